// From clone to the program: the order of these steps is the security argument.
//
// The process starts with the capabilities of the container's root, in namespaces that nobody else
// is in, already inside the cgroup that limits it (it was born there). First it takes its standard
// streams and a session of its own. Then, while it still may, it enters the runtime's root, if that
// is one of layers, and arranges the mounts: the job's
// directory, /tmp and /dev/shm are three directories of one tmpfs, so that one size and one inode
// limit hold for all; /proc is new, for this pid namespace, and read-only once the process has made
// itself the first to go when memory is short. (Nothing is unmounted here: that would
// wait for an expedited RCU grace period, which interrupts every processor of the host.) Then it
// gives up everything, each step needing what the next ones drop: entering the job's directory
// needs root (it is 0700 and the job's), limits are only ever lowered, groups go before the user,
// the user before no_new_privs. The bounding set is empty already: the spawner emptied it once for
// all its children, and filled the inheritable one, which goes here. The filter is loaded last, by
// the process that executes the program (timeout.cpp).
//
// Nothing here allocates, locks or throws. A step that fails reports itself and ends the process:
// there is no half-made box.
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "isolate/gate/word.h"
#include "isolate/init/fault.h"
#include "isolate/init/plan.h"
#include "isolate/sys/fail_point.h"

namespace isolate {

namespace {

// The pipe of the report, once the standard streams are in place; everything above is closed.
constexpr int report_fd = 3;
static_assert(gate::descriptor == report_fd + 1);

// What in /proc tells about the host or its kernel, that no program needs, and that its own mode
// does not keep from a job; what is root's alone (kcore, kmsg, timer_list, sysrq-trigger) is out of
// reach. Interrupts are counted by device: somebody's keys, disks and packets. The files of
// pressure can be written by anybody, which sets up work in the kernel; cmdline can hold what was
// meant for the host's first process.
constexpr const char* masked_files[] = {
    "/proc/keys",       "/proc/key-users",     "/proc/kallsyms",   "/proc/cmdline",
    "/proc/interrupts", "/proc/latency_stats", "/proc/sched_debug"};
constexpr const char* masked_directories[] = {"/proc/acpi", "/proc/asound", "/proc/bus",
                                              "/proc/fs",   "/proc/irq",    "/proc/pressure",
                                              "/proc/scsi"};

void set_standard_streams(const Plan& plan) {
    // Received descriptors lie above 3, because 0 to 3 are taken when the container starts.
    if (SYS_FAIL_POINT("box.set_stdio", ::dup2(plan.standard_in, STDIN_FILENO)) < 0 ||
        ::dup2(plan.standard_out, STDOUT_FILENO) < 0 ||
        ::dup2(plan.standard_err, STDERR_FILENO) < 0 ||
        ::dup3(plan.report, report_fd, O_CLOEXEC) < 0) {
        give_up(plan.report, Step::set_stdio);
    }
}

// After everything else that was received has its number, so that nothing is overwritten.
void set_gate(const Plan& plan) {
    if (plan.gate == gate::descriptor ? ::fcntl(plan.gate, F_SETFD, 0) < 0
                                      : ::dup2(plan.gate, gate::descriptor) < 0) {
        give_up(report_fd, Step::set_stdio);
    }
}

// "lowerdir=A:B:…,userxattr", the uppermost first. userxattr: what an overlay needs in a user
// namespace (Linux 5.11).
class OverlayOptions {
public:
    void append(const char* text) {
        const auto length = std::strlen(text);
        if (length >= sizeof text_ - used_) {
            errno = E2BIG;
            give_up(report_fd, Step::stack_layers);
        }
        std::memcpy(text_ + used_, text, length + 1);
        used_ += length;
    }
    const char* text() const { return text_; }

private:
    char text_[4096] = "";  // the most mount(2) takes: a page
    std::size_t used_ = 0;
};

// Puts a root made of layers in the place of the runner's own. The new one is moved over the old
// and entered, as an initramfs does it: pivot_root would leave the old one to unmount.
void enter_layers(const Plan& plan) {
    OverlayOptions options;
    options.append("lowerdir=");
    for (unsigned i = 0; i < plan.stage.layer_count; ++i) {
        options.append(path::store);
        options.append("/");
        options.append(plan.layers[i]);
        options.append(":");
    }
    options.append(path::mount_points);
    options.append(",userxattr");
    // By the name, that it may be entered: what is mounted on "." is not what "." is.
    if (SYS_FAIL_POINT("box.stack_layers", ::mount("root", path::layered_root, "overlay",
                                                   MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOATIME,
                                                   options.text())) != 0 ||
        ::chdir(path::layered_root) != 0) {
        give_up(report_fd, Step::stack_layers);
    }
    for (const char* shared : {path::dev, path::box, path::programs}) {
        if (SYS_FAIL_POINT("box.bind_shared",
                           ::mount(shared, shared + 1, nullptr, MS_BIND, nullptr)) != 0) {
            give_up(report_fd, Step::bind_box);
        }
    }
    if (SYS_FAIL_POINT("box.enter_root", ::mount(".", "/", nullptr, MS_MOVE, nullptr)) != 0 ||
        ::chroot(".") != 0) {
        give_up(report_fd, Step::enter_root);
    }
}

void bind(const char* from, const char* to) {
    if (SYS_FAIL_POINT("box.bind", ::mount(from, to, nullptr, MS_BIND, nullptr)) != 0)
        give_up(report_fd, Step::bind_box);
}

void mask(const char* with, const char* what) {
    // A kernel without it needs no mask for it.
    if (SYS_FAIL_POINT("box.mask", ::mount(with, what, nullptr, MS_BIND, nullptr)) != 0 &&
        errno != ENOENT) {
        give_up(report_fd, Step::mask_proc);
    }
}

void arrange_mounts() {
    bind(path::box_tmp, path::tmp);
    bind(path::box_shm, path::shm);
    if (SYS_FAIL_POINT("box.mount_proc", ::mount("proc", "/proc", "proc",
                                                 MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr)) != 0) {
        give_up(report_fd, Step::mount_proc);
    }
    for (const char* file : masked_files) mask("/dev/null", file);
    for (const char* directory : masked_directories) mask(path::empty, directory);
}

// The kernel shall prefer anything in a box to anything outside of one (man 5 proc).
void raise_oom_score() {
    const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || SYS_FAIL_POINT("box.raise_oom_score", ::write(fd, "1000", 4)) != 4)
        give_up(report_fd, Step::raise_oom_score);
    ::close(fd);
}

// What a process may write in its /proc serves itself at the cost of others: it could lower the
// score again, on hosts that let the keeper protect init as far down as init's own (man 5 proc,
// oom_score_adj: the least value is inherited). Programs set their names by prctl and debug by
// ptrace; standard streams opened by name are not files of /proc.
void close_proc() {
    if (::mount(nullptr, "/proc", nullptr,
                MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
                nullptr) != 0) {
        give_up(report_fd, Step::close_proc);
    }
}

// Never above what the process has: raising needs a capability outside of the container.
void lower_limit(__rlimit_resource resource, rlim_t soft, rlim_t hard) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) give_up(report_fd, Step::set_limits);
    limit.rlim_max = hard < limit.rlim_max ? hard : limit.rlim_max;
    limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
    if (SYS_FAIL_POINT("box.set_limit", ::setrlimit(resource, &limit)) != 0)
        give_up(report_fd, Step::set_limits);
}

void set_limits(const SpawnStage& stage) {
    lower_limit(RLIMIT_CORE, 0, 0);
    lower_limit(RLIMIT_NOFILE, stage.open_files, stage.open_files);
    lower_limit(RLIMIT_FSIZE, stage.file_bytes, stage.file_bytes);
    lower_limit(RLIMIT_CPU, stage.cpu_seconds, stage.cpu_seconds);
    lower_limit(RLIMIT_STACK, stage.stack_bytes, stage.stack_bytes);
}

void must(Step step, long result) {
    // The call was made, but what follows is the same: the process ends.
    if (result < 0 || SYS_FAIL_POINT("box.step", 0) < 0) give_up(report_fd, step);
}

// The spawner has its capabilities in the inheritable set too, for a zygote alone (man 2 capset;
// the halves are in the kernel's order).
void inherit_nothing() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct halves[2]{};
    must(Step::drop_inheritable, ::syscall(SYS_capget, &header, halves));
    for (auto& half : halves) half.inheritable = 0;
    must(Step::drop_inheritable, ::syscall(SYS_capset, &header, halves));
}

// Everything up to where a job and a zygote part: session, root, mounts, limits, directory.
void enter_box(const Plan& plan) {
    set_standard_streams(plan);
    if (plan.gate >= 0) set_gate(plan);
    must(Step::new_session, ::setsid());
    if (plan.stage.terminal) must(Step::take_terminal, ::ioctl(STDIN_FILENO, TIOCSCTTY, 0));
    if (plan.stage.layer_count > 0) enter_layers(plan);
    arrange_mounts();
    if (!plan.resumes) raise_oom_score();  // a fork has that of its zygote
    close_proc();
    set_limits(plan.stage);
    must(Step::change_directory, ::chdir(path::submission));
    const auto kept = static_cast<unsigned>(plan.gate >= 0 ? gate::descriptor : report_fd);
    must(Step::close_files, ::syscall(SYS_close_range, kept + 1, ~0U, 0U));
    ::umask(022);
    must(Step::drop_groups, ::setgroups(0, nullptr));
}

}  // namespace

void become_zygote(const Plan& plan) {
    enter_box(plan);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(plan.argv[0], plan.argv, plan.environment);
    give_up(report_fd, Step::execute);
}

void become(const Plan& plan) {
    enter_box(plan);
    inherit_nothing();
    must(Step::drop_user, ::setresgid(plan.stage.uid, plan.stage.uid, plan.stage.uid));
    must(Step::drop_user, ::setresuid(plan.stage.uid, plan.stage.uid, plan.stage.uid));
    must(Step::forbid_privileges, ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    Plan inside = plan;
    inside.report = report_fd;
    run_under_deadline(inside);
}

}  // namespace isolate
