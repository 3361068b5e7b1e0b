#include "isolate/cgroup_v1.h"

#include <algorithm>
#include <string>

#include "isolate/share.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace isolate {

namespace {

using namespace config::literals;

// The spawner is in the group too, and so is the PID 1 of the box.
constexpr int own_processes = 2;
// Below this not even PID 1 can start; what asks for less is killed for memory just the same.
constexpr config::Bytes smallest_memory = 2_MiB;
// "No limit" as v1 spells it: the largest multiple of a page (man 7 cgroups,
// memory.limit_in_bytes).
constexpr std::uint64_t no_memory_limit = 0x7fff'ffff'ffff'f000;
constexpr std::uint64_t quota_period_us = 100'000;

}  // namespace

CgroupV1::CgroupV1(std::uint32_t present, std::vector<sys::UniqueFd> files) {
    std::size_t next = 0;
    for (std::size_t i = 0; i < files_.size(); ++i) {
        if (!(present & (1U << i))) continue;
        if (next == files.size()) break;
        files_[i] = std::move(files[next++]);
    }
    if (next != files.size() || !file(ControlFile::memory_limit) || !file(ControlFile::cpu_usage)) {
        throw sys::Error(sys::Kind::broken,
                         "the keeper's control files do not match what it announced");
    }
}

const sys::UniqueFd& CgroupV1::file(ControlFile which) const {
    return files_[static_cast<std::size_t>(which)];
}

// An account that cannot be read is not an empty one: a limit would seem passed, or kept.
std::string CgroupV1::read(ControlFile which) const {
    auto text = sys::read_at_start(file(which));
    if (text.empty()) sys::fail("read v1 control file " + std::to_string(static_cast<int>(which)));
    return text;
}

void CgroupV1::write(ControlFile which, std::uint64_t value) {
    if (const int error = sys::write_at_start(file(which), std::to_string(value)); error != 0) {
        sys::fail("write " + std::to_string(value) + " to v1 control file " +
                      std::to_string(static_cast<int>(which)),
                  error);
    }
}

// Memory with swap can never be limited below memory alone, so the order depends on the direction.
// A fresh group has no limit: the first write lowers.
void CgroupV1::set_memory(config::Bytes limit) {
    const auto bytes = std::clamp(limit.count, smallest_memory.count, no_memory_limit);
    const bool counts_swap = static_cast<bool>(file(ControlFile::memory_and_swap_limit));
    const bool lowering = first_ || limit < applied_.memory;
    if (lowering) write(ControlFile::memory_limit, bytes);
    if (counts_swap) write(ControlFile::memory_and_swap_limit, bytes);
    if (!lowering) write(ControlFile::memory_limit, bytes);
}

int CgroupV1::begin(const config::Limits& of_stage, int residents) {
    auto limits = of_stage;
    limits.processes += residents;
    if (first_ || limits.memory != applied_.memory) set_memory(limits.memory);
    if (first_ || limits.processes != applied_.processes) {
        write(ControlFile::pids_max, static_cast<std::uint64_t>(limits.processes) + own_processes);
    }
    lift_cpu_limits();  // of a stage that nobody saw the end of
    if (limits.cpu_percent > 0 && file(ControlFile::cpu_quota)) {
        write(ControlFile::cpu_quota,
              static_cast<std::uint64_t>(limits.cpu_percent) * quota_period_us / 100);
        quota_on_ = true;
    }
    applied_ = limits;
    first_ = false;
    restart_accounts();
    return -1;
}

void CgroupV1::restart_accounts() {
    write(ControlFile::memory_peak, 0);  // any write sets it to the current usage
    oom_before_ = field_of(read(ControlFile::oom_control), "oom_kill");
    cpu_before_ = number_of(read(ControlFile::cpu_usage));
}

std::chrono::microseconds CgroupV1::cpu_time() const {
    const auto now = number_of(read(ControlFile::cpu_usage));
    return std::chrono::microseconds{(now - std::min(now, cpu_before_)) / 1000};
}

std::chrono::microseconds CgroupV1::cpu_time_of_all() const {
    return std::chrono::microseconds{number_of(read(ControlFile::cpu_usage)) / 1000};
}

// A kernel that cannot share by weight shares alike.
void CgroupV1::set_share(int share) {
    if (!file(ControlFile::cpu_share)) return;
    write(ControlFile::cpu_share, static_cast<std::uint64_t>(share));
    share_is_whole_ = share == whole_share;
}

void CgroupV1::lift_cpu_limits() {
    if (quota_on_) sys::write_at_start(file(ControlFile::cpu_quota), "-1");
    quota_on_ = false;
    if (!share_is_whole_) set_share(whole_share);
}

Usage CgroupV1::end() {
    lift_cpu_limits();
    const auto oom_now = field_of(read(ControlFile::oom_control), "oom_kill");
    return {
        .cpu_time = cpu_time(),
        .memory = {number_of(read(ControlFile::memory_peak))},
        .oom_kills = static_cast<int>(oom_now - std::min(oom_now, oom_before_)),
    };
}

int CgroupV1::processes() const {
    return static_cast<int>(number_of(sys::read_at_start(file(ControlFile::pids_current))));
}

}  // namespace isolate
