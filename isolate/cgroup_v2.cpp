#include "isolate/cgroup_v2.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "isolate/share.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"

namespace isolate {

namespace {

using namespace config::literals;

constexpr int own_processes = 1;  // the PID 1 of the box
constexpr config::Bytes smallest_memory = 2_MiB;
// For the spawner and the files it writes, which count in `jobs` but not in the leaf.
constexpr config::Bytes beside_the_leaf = 4_MiB;
constexpr int removal_attempts = 200;

// An account that cannot be read is not an empty one: a limit would seem passed, or kept.
std::string read_account(const sys::UniqueFd& file) {
    auto text = file ? sys::read_at_start(file) : std::string{};
    if (text.empty()) sys::fail("read the accounts of a stage");
    return text;
}

std::string memory_text(config::Bytes limit, config::Bytes extra) {
    if (limit == config::unlimited_bytes) return "max";
    return std::to_string(std::max(limit.count, smallest_memory.count) + extra.count);
}

}  // namespace

CgroupV2::CgroupV2(std::vector<sys::UniqueFd> files) {
    if (files.size() != 4) {
        throw sys::Error(sys::Kind::broken, "the keeper handed over " +
                                                std::to_string(files.size()) +
                                                " cgroup descriptors, not 4");
    }
    jobs_ = std::move(files[0]);
    memory_max_ = std::move(files[1]);
    pids_current_ = std::move(files[2]);
    cpu_weight_ = std::move(files[3]);
}

CgroupV2::~CgroupV2() {
    leave();
}

void CgroupV2::write(const char* name, const std::string& value) {
    const auto file = sys::try_open_at(leaf_, name, O_WRONLY);
    if (!file ||
        SYS_FAIL_POINT("cgroup.write", ::write(file.get(), value.data(), value.size())) < 0) {
        sys::fail(std::string{"write "} + value + " to " + name + " of a stage's cgroup");
    }
}

// A zygote is not in the leaf.
int CgroupV2::begin(const config::Limits& limits, int /*residents*/) {
    leave();
    leaf_name_ = "j" + std::to_string(next_leaf_++);
    if (SYS_FAIL_POINT("cgroup.make_leaf", ::mkdirat(jobs_.get(), leaf_name_.c_str(), 0755)) != 0)
        sys::fail("make the cgroup of a stage");
    leaf_ = sys::try_open_at(jobs_, leaf_name_.c_str(), O_RDONLY | O_DIRECTORY);
    if (!leaf_) sys::fail("open the cgroup of a stage");
    write("memory.max", memory_text(limits.memory, {}));
    write("memory.oom.group", "1");
    write("pids.max", std::to_string(limits.processes + own_processes));
    // Absent where swap accounting is off; then there is no swap to forbid, or the doctor says so.
    if (const auto swap = sys::try_open_at(leaf_, "memory.swap.max", O_WRONLY))
        sys::write_at_start(swap, "0");
    quota_on_ = limits.cpu_percent > 0;
    if (quota_on_) write("cpu.max", std::to_string(limits.cpu_percent * 1000) + " 100000");
    sys::write_at_start(memory_max_, memory_text(limits.memory, beside_the_leaf));
    // The container's root clones into the leaf and is nobody's owner here (cgroup-v2.rst,
    // delegation).
    if (::fchmodat(leaf_.get(), "cgroup.procs", 0666, 0) != 0)
        sys::fail("open up a stage's cgroup.procs");
    cpu_stat_ = sys::try_open_at(leaf_, "cpu.stat", O_RDONLY);
    cpu_before_ = {};
    return leaf_.get();
}

// What is written resets the peak for who reads by this descriptor (cgroup-v2.rst, memory.peak).
void CgroupV2::restart_accounts() {
    cpu_before_ += cpu_time();
    peak_ = sys::try_open_at(leaf_, "memory.peak", O_RDWR);
    if (peak_ && sys::write_at_start(peak_, "0") != 0) peak_.reset();
}

std::chrono::microseconds CgroupV2::cpu_time() const {
    const auto all = field_of(read_account(cpu_stat_), "usage_usec");
    return std::chrono::microseconds{all} - cpu_before_;
}

std::chrono::microseconds CgroupV2::cpu_time_of_all() const {
    const auto stat = read_account(sys::try_open_at(jobs_, "cpu.stat", O_RDONLY));
    return std::chrono::microseconds{field_of(stat, "usage_usec")};
}

// Of the runner, for the leaf has no siblings that matter.
void CgroupV2::set_share(int share) {
    constexpr int default_weight = 100;  // cgroup-v2.rst, cpu.weight
    const auto weight = std::max(1, share * default_weight / whole_share);
    if (const int error = sys::write_at_start(cpu_weight_, std::to_string(weight)); error != 0)
        sys::fail("write " + std::to_string(weight) + " to cpu.weight of a runner", error);
    share_is_whole_ = share == whole_share;
}

void CgroupV2::lift_cpu_limits() {
    if (quota_on_) write("cpu.max", "max");
    quota_on_ = false;
    if (!share_is_whole_) set_share(whole_share);
}

Usage CgroupV2::end() {
    if (!leaf_) return {};
    lift_cpu_limits();
    const auto events = read_account(sys::try_open_at(leaf_, "memory.events", O_RDONLY));
    if (!peak_) peak_ = sys::try_open_at(leaf_, "memory.peak", O_RDONLY);
    const auto peak = sys::read_at_start(peak_);
    return {
        .cpu_time = cpu_time(),
        .memory = {number_of(peak)},
        .oom_kills = static_cast<int>(field_of(events, "oom_kill")),
    };
}

// Busy for a moment if a killed process is not reaped yet.
void CgroupV2::leave() {
    if (!leaf_) return;
    cpu_stat_.reset();
    peak_.reset();
    leaf_.reset();
    for (int attempt = 0; attempt < removal_attempts; ++attempt) {
        if (::unlinkat(jobs_.get(), leaf_name_.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
            return;
        const timespec pause{0, 1'000'000};
        ::nanosleep(&pause, nullptr);
    }
    sys::log(sys::Level::warn, "cgroup_left",
             {{"leaf", leaf_name_}, {"error", sys::describe(errno)}});
}

int CgroupV2::processes() const {
    return static_cast<int>(number_of(sys::read_at_start(pids_current_)));
}

}  // namespace isolate
