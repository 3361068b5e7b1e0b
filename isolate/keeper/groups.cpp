#include "isolate/keeper/groups.h"

#include <fcntl.h>
#include <libcgroup.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <memory>
#include <sstream>
#include <thread>

#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"

namespace keeper {

namespace {

using isolate::CgroupVersion;
using isolate::ControlFile;
using sys::Error;
using sys::Kind;

constexpr auto removal_patience = std::chrono::seconds{2};
constexpr auto removal_pause = std::chrono::milliseconds{2};

struct ControlPath {
    ControlFile file;
    const char* controller;
    const char* name;
    const char* group = "job";  // below the runner's
};

constexpr ControlPath v1_files[] = {
    {ControlFile::memory_limit, "memory", "memory.limit_in_bytes"},
    {ControlFile::memory_and_swap_limit, "memory", "memory.memsw.limit_in_bytes"},
    {ControlFile::memory_peak, "memory", "memory.max_usage_in_bytes"},
    {ControlFile::memory_usage, "memory", "memory.usage_in_bytes"},
    {ControlFile::oom_control, "memory", "memory.oom_control"},
    {ControlFile::pids_max, "pids", "pids.max"},
    {ControlFile::pids_current, "pids", "pids.current"},
    {ControlFile::cpu_quota, "cpu", "cpu.cfs_quota_us"},
    {ControlFile::cpu_usage, "cpuacct", "cpuacct.usage"},
    {ControlFile::cpu_share, "cpu", "cpu.shares", "."},  // against other runners
};
static_assert(std::size(v1_files) == static_cast<std::size_t>(ControlFile::count));

// libcgroup has texts for its own errors only, and looks others up outside of its table.
std::string describe_cgroup(int error) {
    return error < ECGROUPNOTCOMPILED ? sys::describe(errno) : ::cgroup_strerror(error);
}

std::string find_controller(const char* controller) {
    char* mount_point = nullptr;
    if (::cgroup_get_subsys_mount_point(controller, &mount_point) != 0 || !mount_point) return {};
    const std::unique_ptr<char, decltype(&std::free)> owner{mount_point, &std::free};
    return mount_point;
}

bool is_v2(const std::string& mount_point) {
    struct statfs information {};
    return ::statfs(mount_point.c_str(), &information) == 0 &&
           information.f_type == CGROUP2_SUPER_MAGIC;
}

// Every mounted cgroup hierarchy, also those without a controller of interest (man 5 proc,
// mountinfo).
std::vector<std::string> all_hierarchies() {
    std::vector<std::string> mounts;
    std::istringstream lines{sys::read_file("/proc/self/mountinfo")};
    for (std::string line; std::getline(lines, line);) {
        const auto separator = line.find(" - cgroup");
        if (separator == std::string::npos) continue;
        std::istringstream fields{line};
        std::string id, parent, device, root, mount_point;
        fields >> id >> parent >> device >> root >> mount_point;
        mounts.push_back(mount_point);
    }
    return mounts;
}

void make_group(const std::string& path) {
    if (SYS_FAIL_POINT("keeper.make_group", ::mkdir(path.c_str(), 0755)) != 0 && errno != EEXIST)
        sys::fail("make the cgroup " + path);
}

void place(const std::string& group, pid_t pid) {
    sys::write_file(group + "/cgroup.procs", std::to_string(pid));
}

// Who is listed may have ended by now (ESRCH): in a group that is not ours alone, somebody always
// comes and goes.
void move_members(const std::string& from, const std::string& to) {
    std::istringstream pids{sys::read_file(from + "/cgroup.procs")};
    for (pid_t pid = 0; pids >> pid;) {
        const int error = sys::try_write_file(to + "/cgroup.procs", std::to_string(pid));
        if (error != 0 && error != ESRCH) sys::fail("move a process to " + to, error);
    }
}

void own(const std::string& path, uid_t uid, gid_t gid) {
    if (SYS_FAIL_POINT("keeper.own_group", ::chown(path.c_str(), uid, gid)) != 0)
        sys::fail("chown " + path);
}

void kill_members(const std::string& group) {
    std::istringstream pids{sys::try_read_file(group + "/cgroup.procs").value_or("")};
    for (pid_t pid = 0; pids >> pid;) {
        if (pid > 0 && pid != ::getpid()) ::kill(pid, SIGKILL);
    }
}

// Depth first; what is inside is killed and waited for. A group vanishes only when its last process
// is reaped, hence the patience.
bool remove_tree(const std::string& group, std::chrono::steady_clock::time_point give_up) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator{group, error}) {
        if (entry.is_directory(error)) remove_tree(entry.path(), give_up);
    }
    while (SYS_FAIL_POINT("keeper.remove_group", ::rmdir(group.c_str())) != 0) {
        if (errno == ENOENT) return true;
        if (std::chrono::steady_clock::now() > give_up) return false;
        kill_members(group);
        std::this_thread::sleep_for(removal_pause);
    }
    return true;
}

void remove_everywhere(const std::vector<std::string>& hierarchies, const std::string& group) {
    const auto give_up = std::chrono::steady_clock::now() + removal_patience;
    for (const auto& hierarchy : hierarchies) {
        const auto path = hierarchy + "/" + group;
        if (!remove_tree(path, give_up)) {
            sys::log(sys::Level::warn, "cgroup_left",
                     {{"path", path}, {"error", sys::describe(errno)}});
        }
    }
}

}  // namespace

Groups::Groups(const Options& options, Swept) : options_(options) {
    find_controllers();
    find_root(options.cgroup);
    // What an earlier, killed engine of this name left would only be in the way.
    remove_all();
}

// The object is there once it is swept, so the destructor removes what fails half-way from here on.
Groups::Groups(const Options& options) : Groups(options, Swept{}) {
    make_engine_group();
    if (version_ == CgroupVersion::v2) {
        enable_controllers();
        limit_daemon();
    }
}

Groups::~Groups() {
    remove_all();
}

void Groups::find_controllers() {
    if (const int error = SYS_FAIL_POINT("keeper.find_groups", ::cgroup_init()); error != 0) {
        throw Error(Kind::broken,
                    std::string{"cannot find any cgroup hierarchy: "} + describe_cgroup(error));
    }
    hierarchies_ = all_hierarchies();
    memory_ = find_controller("memory");
    pids_ = find_controller("pids");
    cpu_ = find_controller("cpu");
    if (memory_.empty() || pids_.empty() || cpu_.empty()) {
        throw Error(Kind::broken,
                    "the cgroup controllers memory, pids and cpu are all needed; missing:" +
                        std::string{memory_.empty() ? " memory" : ""} +
                        (pids_.empty() ? " pids" : "") + (cpu_.empty() ? " cpu" : "") +
                        " (is it enabled on the kernel's command line?)");
    }
    if (is_v2(memory_)) {
        version_ = CgroupVersion::v2;
        return;
    }
    cpuacct_ = find_controller("cpuacct");
    if (cpuacct_.empty())
        throw Error(Kind::broken, "the cgroup controller cpuacct is needed and missing");
}

// The group all ours go under. On a v2 host that delegated a group to this service (or put it into
// a container), only that group is ours; otherwise the root of the hierarchy is used.
void Groups::find_root(const std::string& wanted) {
    std::string base = wanted == "auto" ? "" : wanted;
    if (wanted == "auto" && version_ == CgroupVersion::v2) {
        std::istringstream lines{sys::read_file("/proc/self/cgroup")};
        for (std::string line; std::getline(lines, line);) {
            if (line.rfind("0::", 0) != 0) continue;
            // A keeper that replaces another is born in the leaf into which that one moved us all.
            if (line.ends_with("/daemon")) line.resize(line.size() - std::strlen("/daemon"));
            const auto own_group = memory_ + line.substr(3);
            char value = 0;
            const bool delegated =
                ::getxattr(own_group.c_str(), "trusted.delegate", &value, 1) == 1 ||
                ::getxattr(own_group.c_str(), "user.delegate", &value, 1) == 1;
            if (delegated) base = line.substr(3);
        }
    }
    while (!base.empty() && base.front() == '/') base.erase(0, 1);
    while (!base.empty() && base.back() == '/') base.pop_back();
    root_ = base.empty() ? options_.instance : base + "/" + options_.instance;
}

void Groups::make_engine_group() const {
    const std::unique_ptr<cgroup, void (*)(cgroup*)> group{::cgroup_new_cgroup(root_.c_str()),
                                                           [](cgroup* g) { ::cgroup_free(&g); }};
    for (const char* controller : {"memory", "pids", "cpu", "cpuacct"}) {
        if (version_ == CgroupVersion::v2 && std::string{controller} == "cpuacct") continue;
        if (!group || !::cgroup_add_controller(group.get(), controller)) {
            throw Error(Kind::broken,
                        std::string{"libcgroup does not take the controller "} + controller);
        }
    }
    // On v2 the group needs its ancestors' controllers first, which is enable_controllers'
    // business.
    if (version_ == CgroupVersion::v2) return make_group(memory_ + "/" + root_);
    if (const int error =
            SYS_FAIL_POINT("keeper.make_engine_group", ::cgroup_create_cgroup(group.get(), 0));
        error != 0) {
        throw Error(Kind::broken, "make the cgroup " + root_ + ": " + describe_cgroup(error));
    }
}

// v2: a group may have controllers for its children only if it holds no process itself, the root
// excepted (cgroup-v2.rst, "No Internal Process Constraint"). So whoever is in our base moves to a
// leaf.
void Groups::enable_controllers() const {
    std::string path = memory_;
    std::istringstream components{"/" + root_};
    for (std::string component; std::getline(components, component, '/');) {
        if (!component.empty()) path += "/" + component;
        const auto control = path + "/cgroup.subtree_control";
        for (int round = 0; round < 100; ++round) {
            const int error = sys::try_write_file(control, "+memory +pids +cpu");
            if (error == 0) break;
            if (error != EBUSY || round == 99)
                sys::fail("enable cgroup controllers in " + control, error);
            make_group(path + "/daemon");
            move_members(path, path + "/daemon");
        }
    }
}

// Only in a leaf that enable_controllers made: any other group is somebody else's, and may hold
// more than us.
void Groups::limit_daemon() const {
    const auto base = root_.substr(0, root_.find_last_of('/') + 1);
    const auto leaf = base + "daemon";
    std::istringstream lines{sys::read_file("/proc/self/cgroup")};
    for (std::string line; std::getline(lines, line);) {
        if (options_.daemon_memory.empty() || line != "0::/" + leaf) continue;
        const auto file = memory_ + "/" + leaf + "/memory.max";
        if (const int error = sys::try_write_file(file, options_.daemon_memory); error != 0) {
            sys::log(sys::Level::warn, "daemon_memory_not_limited",
                     {{"path", file}, {"error", sys::describe(error)}});
        }
    }
}

Groups::Controls Groups::make_runner(std::uint32_t index, pid_t init, pid_t spawner) const {
    const auto runner = root_ + "/r" + std::to_string(index);
    if (version_ == CgroupVersion::v1) return make_v1(runner, spawner);
    return make_v2(runner, init, spawner, options_.first_uid + index * ids_per_runner);
}

Groups::Controls Groups::make_v1(const std::string& runner, pid_t spawner) const {
    const auto mount_of = [this](std::string_view controller) -> const std::string& {
        if (controller == "memory") return memory_;
        if (controller == "pids") return pids_;
        return controller == "cpu" ? cpu_ : cpuacct_;
    };
    // Controllers may share a hierarchy, as cpu and cpuacct often do.
    std::vector<std::string> mounts{memory_, pids_, cpu_, cpuacct_};
    std::sort(mounts.begin(), mounts.end());
    mounts.erase(std::unique(mounts.begin(), mounts.end()), mounts.end());
    for (const auto& mount : mounts) {
        make_group(mount + "/" + runner + "/job");
        place(mount + "/" + runner + "/job", spawner);
    }
    Controls controls;
    for (const auto& [file, controller, name, group] : v1_files) {
        auto opened =
            sys::try_open(mount_of(controller) + "/" + runner + "/" + group + "/" + name, O_RDWR);
        // Kernels may lack swap accounting, the CPU quota or shares; everything else must be there.
        if (!opened && file != ControlFile::memory_and_swap_limit &&
            file != ControlFile::cpu_quota && file != ControlFile::cpu_share) {
            sys::fail(std::string{"open the control file "} + name);
        }
        if (!opened) continue;
        controls.present |= 1U << static_cast<unsigned>(file);
        controls.files.push_back(std::move(opened));
    }
    return controls;
}

Groups::Controls Groups::make_v2(const std::string& runner, pid_t init, pid_t spawner,
                                 uid_t first_uid) const {
    const auto path = memory_ + "/" + runner;
    make_group(path + "/init");
    place(path + "/init", init);
    place(path + "/init", spawner);
    sys::write_file(path + "/cgroup.subtree_control", "+memory +pids +cpu");
    const auto jobs = path + "/jobs";
    make_group(jobs);
    sys::write_file(jobs + "/cgroup.subtree_control", "+memory +pids +cpu");
    make_group(jobs + "/spawner");
    place(jobs + "/spawner", spawner);
    // Making leaves is the daemon's; cloning into one needs write access to the cgroup.procs of the
    // leaf and of the common ancestor, for the one who clones: the container's root.
    own(jobs, options_.daemon_uid, options_.daemon_gid);
    own(jobs + "/cgroup.procs", first_uid, first_uid);
    Controls controls;
    controls.files.push_back(sys::open(jobs, O_RDONLY | O_DIRECTORY));
    controls.files.push_back(sys::open(jobs + "/memory.max", O_RDWR));
    controls.files.push_back(sys::open(jobs + "/pids.current", O_RDONLY));
    controls.files.push_back(sys::open(path + "/cpu.weight", O_RDWR));
    return controls;
}

void Groups::remove_runner(std::uint32_t index) const {
    const auto number = std::to_string(index);
    remove_everywhere(hierarchies_, root_ + "/r" + number);
    remove_everywhere(hierarchies_, root_ + "/mon-r" + number);
}

void Groups::remove_all() const {
    remove_everywhere(hierarchies_, root_);
}

}  // namespace keeper
