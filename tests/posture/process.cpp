// What the process itself has, was given, or was left with by whoever started it.
#include <fcntl.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <string>

#include "tests/posture/say.h"

namespace posture {

namespace {

// Of /proc/self/status, what is about rights and signals: the rest are numbers of this run.
void tell_status() {
    static constexpr const char* told[] = {"Uid",
                                           "Gid",
                                           "Groups",
                                           "NStgid",
                                           "NSpgid",
                                           "NSsid",
                                           "Umask",
                                           "SigPnd",
                                           "ShdPnd",
                                           "SigBlk",
                                           "SigIgn",
                                           "SigCgt",
                                           "CapInh",
                                           "CapPrm",
                                           "CapEff",
                                           "CapBnd",
                                           "CapAmb",
                                           "NoNewPrivs",
                                           "Seccomp",
                                           "Seccomp_filters",
                                           "TracerPid",
                                           "Speculation_Store_Bypass",
                                           "SpeculationIndirectBranch",
                                           "Cpus_allowed_list",
                                           "Mems_allowed_list",
                                           "Threads",
                                           "CoreDumping",
                                           "Kthread"};
    const auto status = "\n" + contents("/proc/self/status");
    for (const char* field : told) {
        const auto mark = std::string{"\n"} + field + ":";
        const auto at = status.find(mark);
        if (at == std::string::npos) continue;
        auto value = status.substr(at + mark.size());
        value.resize(value.find('\n'));
        std::string plain;
        for (const char c : value) plain += c == '\t' ? ' ' : c;
        while (plain.starts_with(' ')) plain.erase(0, 1);
        while (plain.ends_with(' ')) plain.pop_back();
        say(std::string{"status."} + field, plain.empty() ? "none" : plain);
    }
}

void tell_number(const std::string& key, long value) {
    say(key, value < 0 ? name_of_error(errno) : std::to_string(value));
}

void tell_attributes() {
    tell_number("prctl.securebits", ::prctl(PR_GET_SECUREBITS));
    tell_number("prctl.dumpable", ::prctl(PR_GET_DUMPABLE));
    tell_number("prctl.keep_capabilities", ::prctl(PR_GET_KEEPCAPS));
    tell_number("prctl.timer_slack", ::prctl(PR_GET_TIMERSLACK));
    tell_number("prctl.huge_pages_off", ::prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
    tell_number("prctl.machine_check_policy", ::prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
    int number = -1;
    ::prctl(PR_GET_CHILD_SUBREAPER, &number);
    tell_number("prctl.child_subreaper", number);
    ::prctl(PR_GET_PDEATHSIG, &number);
    tell_number("prctl.parent_death_signal", number);
    // Kernel headers of this age name neither for every architecture.
    tell_number("personality", ::personality(0xffffffff));
    tell_number("fsuid", ::syscall(SYS_setfsuid, -1));
    tell_number("fsgid", ::syscall(SYS_setfsgid, -1));
    tell_number("auxiliary.secure", static_cast<long>(::getauxval(AT_SECURE)));
    tell_number("schedule.policy", ::sched_getscheduler(0));
    errno = 0;
    say("schedule.nice", std::to_string(::getpriority(PRIO_PROCESS, 0)));
    tell_number("schedule.io", ::syscall(SYS_ioprio_get, 1, 0));
    tell_number("process.id", ::getpid());
    tell_number("process.parent", ::getppid());
    tell_number("process.group", ::getpgrp());
    tell_number("process.session", ::getsid(0));
    for (const char* name :
         {"oom_score_adj", "coredump_filter", "loginuid", "sessionid", "attr/current", "setgroups",
          "uid_map", "gid_map", "timens_offsets", "patch_state", "autogroup", "timerslack_ns"}) {
        const auto path = std::string{"/proc/self/"} + name;
        if (::access(path.c_str(), F_OK) == 0) {
            const auto line = line_of(path);
            say(std::string{"self."} + name, line.empty() ? "empty" : line);
        }
    }
}

std::string target_of(const std::string& link) {
    char target[4096];
    const auto length = ::readlink(link.c_str(), target, sizeof target);
    return length < 0 ? name_of_error(errno)
                      : std::string(target, static_cast<std::size_t>(length));
}

void tell_limits() {
    static constexpr const char* names[] = {
        "cpu",     "fsize", "data",  "stack",      "core",     "rss",  "nproc",  "nofile",
        "memlock", "as",    "locks", "sigpending", "msgqueue", "nice", "rtprio", "rttime"};
    const auto text = [](rlim_t value) {
        return value == RLIM_INFINITY ? std::string{"unlimited"} : std::to_string(value);
    };
    for (int i = 0; i < static_cast<int>(std::size(names)); ++i) {
        rlimit limit{};
        // glibc types the resource as an enum of its own; its values are the kernel's.
        ::getrlimit(static_cast<__rlimit_resource>(i), &limit);
        say(std::string{"limit."} + names[i], text(limit.rlim_cur) + " " + text(limit.rlim_max));
    }
}

const char* type_of(mode_t mode) {
    if (S_ISFIFO(mode)) return "pipe";
    if (S_ISCHR(mode)) return "character device";
    if (S_ISSOCK(mode)) return "socket";
    if (S_ISDIR(mode)) return "directory";
    return S_ISREG(mode) ? "file" : "other";
}

void tell_descriptors() {
    static constexpr const char* ways[] = {"reads", "writes", "reads and writes", "none"};
    constexpr int most = 4096;
    for (int fd = 0; fd < most; ++fd) {
        const int flags = ::fcntl(fd, F_GETFL);
        if (flags < 0) continue;
        struct stat status {};
        ::fstat(fd, &status);
        auto value = std::string{type_of(status.st_mode)} + ", " + ways[flags & O_ACCMODE];
        if ((flags & O_NONBLOCK) != 0) value += ", never blocks";
        if ((flags & O_PATH) != 0) value += ", a path";
        if ((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0) value += ", closed by exec";
        say("descriptor." + std::to_string(fd),
            value + ", " + target_of("/proc/self/fd/" + std::to_string(fd)));
    }
    const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC);
    say("terminal.open", name_of_error(terminal < 0 ? errno : 0));
    // The seventh field; the second is a name in brackets (man 5 proc).
    const auto stat = contents("/proc/self/stat");
    std::istringstream fields{stat.substr(stat.rfind(')') + 1)};
    std::string state, parent, group, session, device;
    fields >> state >> parent >> group >> session >> device;
    say("terminal.controls", device == "0" ? "no" : "yes");
}

}  // namespace

void tell_process() {
    tell_status();
    tell_attributes();
    tell_limits();
    tell_descriptors();
    for (const char* link : {"cwd", "root", "exe"})
        say(std::string{"directory."} + link, target_of(std::string{"/proc/self/"} + link));
    for (char** variable = environ; *variable != nullptr; ++variable) {
        const std::string text = *variable;
        const auto equals = text.find('=');
        say("environment." + text.substr(0, equals), text.substr(equals + 1));
    }
}

}  // namespace posture
