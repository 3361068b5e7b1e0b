// Each question here is one that a program in a box could ask on its way out. What is asked from
// the outside (limits, cgroups, the root) is the pool's and the keeper's; what only the inside can
// see is here: what this process is, what it sees, what it is refused. Nothing is assumed of the
// layers above: a step that is forgotten, or a mount that fails half, shows here whatever its
// reason.
//
// Fixed memory and plain system calls, as everything in init.
#include "isolate/init/posture.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

namespace isolate {

namespace {

int breaches = 0;
char text[32768];  // of one file of /proc

void breach(const char* what, const char* detail = "") {
    ++breaches;
    char line[256];
    const int length = std::snprintf(line, sizeof line, "%s%s\n", what, detail);
    // Nobody is there to tell if this fails; the exit code says it too.
    [[maybe_unused]] const auto written =
        ::write(STDOUT_FILENO, line, static_cast<std::size_t>(length < 255 ? length : 255));
}

void expect(bool good, const char* what) {
    if (!good) breach(what);
}

// The first 32 KiB of a file; empty if it cannot be read.
const char* read_text(const char* path) {
    text[0] = '\0';
    const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return text;
    std::size_t length = 0;
    for (ssize_t more = 1; more > 0 && length < sizeof text - 1;
         length += static_cast<std::size_t>(more > 0 ? more : 0)) {
        more = ::read(fd, text + length, sizeof text - 1 - length);
    }
    text[length] = '\0';
    ::close(fd);
    return text;
}

// The number behind a label of /proc/self/status, -1 without one.
long long status_of(const char* status, const char* label, int base) {
    const char* at = std::strstr(status, label);
    return at ? static_cast<long long>(std::strtoull(at + std::strlen(label), nullptr, base)) : -1;
}

void look_at_identity() {
    gid_t groups[1];
    expect(::getuid() != 0 && ::geteuid() == ::getuid(), "the user is root");
    expect(::getgid() != 0 && ::getegid() == ::getgid(), "the group is root's");
    expect(::getgroups(0, groups) == 0, "there are supplementary groups");
    expect(::getppid() == 1 && ::getpid() < 16, "the pid namespace is not the box's own");
    expect(::setuid(0) != 0, "setuid(0) works");
    const char* status = read_text("/proc/self/status");
    for (const char* set : {"\nCapInh:", "\nCapPrm:", "\nCapEff:", "\nCapBnd:", "\nCapAmb:"}) {
        if (status_of(status, set, 16) != 0) breach("there are capabilities in ", set + 1);
    }
    expect(status_of(status, "\nNoNewPrivs:", 10) == 1, "no_new_privs is off");
    expect(status_of(status, "\nSeccomp:", 10) == 2, "there is no system call filter");
}

void look_at_descriptors() {
    for (int fd = 3; fd < 1024; ++fd) {
        if (::fcntl(fd, F_GETFD) >= 0) return breach("a descriptor besides 0, 1 and 2 is open");
    }
}

// May a program write beneath the point? Only the box's own tmpfs; /proc protects itself.
bool may_be_writable(const char* point) {
    for (const char* own : {"/box", "/tmp", "/dev/shm", "/proc"}) {
        if (std::strcmp(point, own) == 0) return true;
    }
    return std::strncmp(point, "/proc/", 6) == 0;
}

bool has_option(const char* options, const char* wanted) {
    const auto length = std::strlen(wanted);
    for (const char* at = options; at; at = std::strchr(at, ',')) {
        if (*at == ',') ++at;
        if (std::strncmp(at, wanted, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

// "36 35 98:0 /root /point rw,noatime …" (man 5 proc).
void look_at_mounts() {
    char* rest = nullptr;
    read_text("/proc/self/mountinfo");
    if (text[0] == '\0') return breach("/proc/self/mountinfo cannot be read");
    for (char* line = ::strtok_r(text, "\n", &rest); line;
         line = ::strtok_r(nullptr, "\n", &rest)) {
        char point[256];
        char options[256];
        if (std::sscanf(line, "%*s %*s %*s %*s %255s %255s", point, options) != 2) {
            breach("a mount cannot be understood");
            continue;
        }
        if (!may_be_writable(point) && !has_option(options, "ro")) breach("writable: ", point);
        if (!has_option(options, "nosuid")) breach("not nosuid: ", point);
        if (std::strcmp(point, "/dev") != 0 && std::strncmp(point, "/proc/", 6) != 0 &&
            !has_option(options, "nodev"))
            breach("not nodev: ", point);
    }
}

void look_at_files() {
    for (const char* path :
         {"/proc/kcore", "/proc/kmsg", "/proc/sysrq-trigger", "/layers", "/sys/kernel",
          "/sys/fs/cgroup", "/dev/mem", "/dev/kmsg", "/proc/1/root/proc", "/etc/shadow"}) {
        const int fd = ::open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0) breach("can be opened: ", path);
    }
    for (const char* path :
         {"/proc/sys/kernel/core_pattern", "/crankcase/init", "/usr/bin/env", "/etc/passwd"}) {
        const int fd = ::open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd >= 0) breach("can be written: ", path);
    }
    for (const char* path : {"/proc/keys", "/proc/kallsyms"}) {
        if (read_text(path)[0] != '\0') breach("can be read: ", path);
    }
    // Two lines of titles and one for lo.
    int lines = 0;
    for (const char* at = read_text("/proc/self/net/dev"); *at; ++at) lines += *at == '\n' ? 1 : 0;
    expect(lines <= 3, "there is a network");
}

void expect_no_socket(int family, int type, int protocol, const char* what) {
    const int fd = ::socket(family, type | SOCK_CLOEXEC, protocol);
    if (fd < 0) return;
    breach("a socket can be made: ", what);
    ::close(fd);
}

// Refused means that the filter answered; anything else came from within the kernel.
void expect_refused(long result, const char* what) {
    const bool refused =
        result < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS || errno == EOPNOTSUPP);
    if (!refused) breach("is not refused: ", what);
}

void ask_for_too_much() {
    expect_no_socket(AF_ALG, SOCK_SEQPACKET, 0, "AF_ALG");
    expect_no_socket(AF_VSOCK, SOCK_STREAM, 0, "AF_VSOCK");
    expect_no_socket(AF_PACKET, SOCK_RAW, 0, "AF_PACKET");
    expect_no_socket(AF_KEY, SOCK_RAW, 2, "AF_KEY");
    expect_no_socket(AF_NETLINK, SOCK_RAW, 12, "NETLINK_NETFILTER");
    expect_refused(::unshare(CLONE_NEWUSER), "unshare(CLONE_NEWUSER)");
    expect_refused(::unshare(CLONE_NEWNS), "unshare(CLONE_NEWNS)");
    expect_refused(::mount("none", "/tmp", "tmpfs", 0, nullptr), "mount");
    // Arguments that the kernel itself would call wrong: then its errno is another one.
    expect_refused(::syscall(SYS_io_uring_setup, 1U, nullptr), "io_uring_setup");
    expect_refused(::syscall(SYS_bpf, -1, nullptr, 0U), "bpf");
    expect_refused(::syscall(SYS_keyctl, -1, 0UL, 0UL, 0UL, 0UL), "keyctl");
    expect_refused(::syscall(SYS_userfaultfd, -1), "userfaultfd");
    expect_refused(::syscall(SYS_perf_event_open, nullptr, 0, -1, -1, 0UL), "perf_event_open");
}

// As many children as nobody may have: the pids controller must say no before.
void ask_for_processes() {
    constexpr int far_too_many = 64;
    pid_t children[far_too_many];
    int count = 0;
    while (count < far_too_many) {
        const pid_t child = ::fork();
        if (child < 0) break;
        if (child == 0) {
            for (;;) ::pause();
        }
        children[count++] = child;
    }
    for (int i = 0; i < count; ++i) ::kill(children[i], SIGKILL);
    expect(count < far_too_many, "the number of processes is not limited");
}

}  // namespace

int posture() {
    look_at_descriptors();
    look_at_identity();
    look_at_mounts();
    look_at_files();
    ask_for_too_much();
    ask_for_processes();
    return breaches == 0 ? 0 : 1;
}

int take_memory() {
    constexpr std::size_t plenty = std::size_t{256} << 20;
    constexpr std::size_t page = 4096;
    auto* memory = static_cast<char*>(
        ::mmap(nullptr, plenty, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (memory == MAP_FAILED) return 2;
    for (std::size_t at = 0; at < plenty; at += page) memory[at] = 1;
    return 1;
}

}  // namespace isolate
