// The shipped filter on the real kernel, against what somebody wrote down without looking at it:
// both sides of every argument check, and the ways out that must stay shut. Probes made from the
// rules: filter_probes_test.cpp; programs at work: languages_at_work_test.cpp.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "isolate/filter.h"
#include "tests/support/filtered_child.h"

namespace {

using support::answers;
using support::filter_beneath;
using support::reached;
using support::shipped_policy;
using support::status_of;
using support::with_high_bits;
using Probe = support::CallProbe;
using Program = support::FilterProgram;

void check_answers(const std::vector<Program>& filters, const std::vector<Probe>& probes) {
    const auto given = answers(filters, probes);
    for (std::size_t i = 0; i < probes.size(); ++i) {
        CAPTURE(probes[i].name);
        CHECK(given[i] == probes[i].answer);
    }
}

// Both sides of every argument check, written down without looking at the policy.
std::vector<Probe> argument_probes() {
    return {
        {"clone a thread", SYS_clone, {0x3d0f00}, reached},
        {"clone a child", SYS_clone, {SIGCHLD}, reached},
        {"clone a mount namespace", SYS_clone, {CLONE_NEWNS | SIGCHLD}, EPERM},
        {"clone a cgroup namespace", SYS_clone, {CLONE_NEWCGROUP}, EPERM},
        {"clone a uts namespace", SYS_clone, {CLONE_NEWUTS}, EPERM},
        {"clone an ipc namespace", SYS_clone, {CLONE_NEWIPC}, EPERM},
        {"clone a user namespace", SYS_clone, {CLONE_NEWUSER | CLONE_VM}, EPERM},
        {"clone a pid namespace", SYS_clone, {CLONE_NEWPID}, EPERM},
        {"clone a net namespace", SYS_clone, {CLONE_NEWNET}, EPERM},
        {"futex wait", SYS_futex, {0, 0}, reached},
        {"futex requeue", SYS_futex, {0, 4}, reached},
        {"futex lock_pi2", SYS_futex, {0, 13 | 128}, reached},
        {"futex wait_requeue_pi", SYS_futex, {0, 11}, ENOSYS},
        {"futex wait_requeue_pi, private, realtime", SYS_futex, {0, 11 | 128 | 256}, ENOSYS},
        {"futex cmp_requeue_pi", SYS_futex, {0, 12}, ENOSYS},
        {"futex cmp_requeue_pi, private", SYS_futex, {0, 12 | 128}, ENOSYS},
        {"prctl set_name", SYS_prctl, {15}, reached},
        {"prctl set_mm", SYS_prctl, {35}, EPERM},
        {"personality linux", SYS_personality, {0}, reached},
        {"personality linux32", SYS_personality, {8}, reached},
        {"personality uname26", SYS_personality, {0x20000}, reached},
        {"personality uname26, linux32", SYS_personality, {0x20008}, reached},
        {"personality query", SYS_personality, {0xffffffff}, reached},
        {"personality without address randomization", SYS_personality, {0x40000}, EPERM},
        {"personality read implies exec", SYS_personality, {0x400000}, EPERM},
        {"personality svr4", SYS_personality, {1}, EPERM},
        {"ioctl tcgets", SYS_ioctl, {0, 0x5401}, reached},
        {"ioctl fionread", SYS_ioctl, {0, 0x541b}, reached},
        {"ioctl tiocsti", SYS_ioctl, {0, 0x5412}, EPERM},
        {"ioctl tioclinux", SYS_ioctl, {0, 0x541c}, EPERM},
        {"ioctl tiocsetd", SYS_ioctl, {0, 0x5423}, EPERM},
        {"setsockopt tcp_nodelay", SYS_setsockopt, {0, 6, 1}, reached},
        {"setsockopt so_priority", SYS_setsockopt, {0, 1, 12}, reached},
        {"setsockopt 31 of another level", SYS_setsockopt, {0, 1, 31}, reached},
        {"setsockopt tcp_ulp", SYS_setsockopt, {0, 6, 31}, ENOPROTOOPT},
    };
}

std::vector<Probe> socket_probes() {
    auto probes = std::vector<Probe>{
        {"netlink route", SYS_socket, {16, 3 | 0x80000, 0}, reached},
        {"netlink route, datagram", SYS_socket, {16, 2, 0}, reached},
        {"netlink stream", SYS_socket, {16, 1, 0}, EPROTONOSUPPORT},
        {"netlink sock_diag", SYS_socket, {16, 3, 4}, EPROTONOSUPPORT},
        {"netlink xfrm", SYS_socket, {16, 3, 6}, EPROTONOSUPPORT},
        {"netlink netfilter", SYS_socket, {16, 3, 12}, EPROTONOSUPPORT},
    };
    for (const std::uint64_t inet : {2, 10}) {
        probes.push_back({"stream", SYS_socket, {inet, 1, 0}, reached});
        probes.push_back({"TCP", SYS_socket, {inet, 1 | 0x80800, 6}, reached});
        probes.push_back({"UDP", SYS_socket, {inet, 2, 17}, reached});
        probes.push_back({"multipath TCP", SYS_socket, {inet, 1, 262}, EPROTONOSUPPORT});
        probes.push_back({"ICMP", SYS_socket, {inet, 2, 1}, EPROTONOSUPPORT});
        probes.push_back({"raw", SYS_socket, {inet, 3, 6}, EPROTONOSUPPORT});
        probes.push_back({"SCTP", SYS_socket, {inet, 5, 132}, EPROTONOSUPPORT});
        probes.push_back({"packet by its old name", SYS_socket, {inet, 10, 0}, EPROTONOSUPPORT});
        probes.push_back({"inet pair", SYS_socketpair, {inet, 1}, EAFNOSUPPORT});
    }
    for (const long number : {SYS_socket, SYS_socketpair}) {
        probes.push_back({"unix stream", number, {1, 1 | 0x80000}, reached});
        probes.push_back({"unix datagram", number, {1, 2 | 0x800}, reached});
        probes.push_back({"unix seqpacket", number, {1, 5}, reached});
        probes.push_back({"unix raw", number, {1, 3}, EPROTONOSUPPORT});
        // Among them KEY 15, PACKET 17, RDS 21, TIPC 30, RXRPC 33, ALG 38, VSOCK 40, XDP 44.
        for (std::uint64_t family = 0; family < 64; ++family) {
            if (family == 1 || family == 2 || family == 10 || family == 16) continue;
            probes.push_back(
                {"family " + std::to_string(family), number, {family, 1}, EAFNOSUPPORT});
            probes.push_back(
                {"raw family " + std::to_string(family), number, {family, 3, 6}, EAFNOSUPPORT});
        }
    }
    return probes;
}

std::vector<Probe> all_argument_probes() {
    auto probes = argument_probes();
    for (auto& probe : socket_probes()) probes.push_back(std::move(probe));
    return probes;
}

// No rule opens them, whatever the policy's text: the kernel surfaces that have been ways out.
const Probe shut[] = {
    {"mount", SYS_mount, {}, EPERM},
    {"unshare", SYS_unshare, {CLONE_NEWUSER}, EPERM},
    {"setns", SYS_setns, {}, EPERM},
    {"chroot", SYS_chroot, {}, EPERM},
    {"open_by_handle_at", SYS_open_by_handle_at, {}, EPERM},
    {"bpf", SYS_bpf, {}, EPERM},
    {"perf_event_open", SYS_perf_event_open, {}, EPERM},
    {"pidfd_getfd", SYS_pidfd_getfd, {}, EPERM},
    {"clone3", SYS_clone3, {}, ENOSYS},
    {"fsopen", SYS_fsopen, {}, ENOSYS},
    {"fsconfig", SYS_fsconfig, {}, ENOSYS},
    {"move_mount", SYS_move_mount, {}, ENOSYS},
    {"io_uring_setup", SYS_io_uring_setup, {}, ENOSYS},
    {"io_uring_enter", SYS_io_uring_enter, {}, ENOSYS},
    {"keyctl", SYS_keyctl, {}, ENOSYS},
    {"add_key", SYS_add_key, {}, ENOSYS},
    {"userfaultfd", SYS_userfaultfd, {}, ENOSYS},
    {"vmsplice", SYS_vmsplice, {}, ENOSYS},
    {"cachestat", 451, {}, ENOSYS},
    {"futex_requeue", 456, {}, ENOSYS},
    {"statmount", 457, {}, ENOSYS},
    {"listmount", 458, {}, ENOSYS},
    {"a call of tomorrow", 1000, {}, ENOSYS},
};

}  // namespace

TEST_CASE("every argument check lets through and refuses what it should") {
    const auto filter = isolate::compile_filter(shipped_policy()).program;
    check_answers({filter_beneath(), filter}, all_argument_probes());
}

TEST_CASE("bits above the 32nd of an argument change no answer") {
    const auto filter = isolate::compile_filter(shipped_policy()).program;
    check_answers({filter_beneath(), filter}, with_high_bits(all_argument_probes(), 3));
}

TEST_CASE("every rule with arguments has a probe for its answer") {
    const auto probes = all_argument_probes();
    for (const auto& rule : isolate::parse_policy(shipped_policy())) {
        if (rule.when.empty()) continue;
        CAPTURE(rule.line);
        CHECK(std::any_of(probes.begin(), probes.end(), [&](const Probe& probe) {
            return probe.number == rule.number &&
                   probe.answer == (rule.error_number == 0 ? reached : rule.error_number);
        }));
    }
}

TEST_CASE("what has been a way out stays shut") {
    const auto filter = isolate::compile_filter(shipped_policy()).program;
    check_answers({filter_beneath(), filter}, {std::begin(shut), std::end(shut)});
}

TEST_CASE("without the filter no probe is refused") {
    auto probes = all_argument_probes();
    probes.insert(probes.end(), std::begin(shut), std::end(shut));
    for (auto& probe : probes) probe.answer = reached;
    check_answers({filter_beneath()}, probes);
}

TEST_CASE("what the filter lets through does its work") {
    const auto filter = isolate::compile_filter(shipped_policy()).program;
    alignas(8) static int word = 0;
    // The kernel takes addresses as numbers.
    const auto address = reinterpret_cast<std::uintptr_t>(&word);
    const auto missing = ~0U;  // as a descriptor, for the kernel's own EBADF
    const auto probes = std::vector<Probe>{
        {"clone with flags only the kernel refuses", SYS_clone, {CLONE_SIGHAND}, EINVAL},
        {"futex wake", SYS_futex, {address, 1 | 128, 1}, 0},
        {"futex requeue to itself", SYS_futex, {address, 3, 1, 1, address}, 0},
        {"personality query", SYS_personality, {0xffffffff}, 0},
        {"prctl get_dumpable", SYS_prctl, {3}, 0},
        {"ioctl on no file", SYS_ioctl, {missing, 0x5401}, EBADF},
        {"setsockopt on no file", SYS_setsockopt, {missing, 6, 1}, EBADF},
        {"unix socket", SYS_socket, {1, 1, 0}, 0},
        {"inet socket", SYS_socket, {2, 1, 6}, 0},
        {"netlink socket", SYS_socket, {16, 3, 0}, 0},
        {"membarrier query", SYS_membarrier, {0}, 0},
    };
    check_answers({filter}, probes);
    check_answers({filter}, with_high_bits({probes[3], probes[4], probes[5], probes[6]}, 1));
}

#if defined(__x86_64__)
TEST_CASE("a call through a foreign table kills its process") {
    const auto filter = isolate::compile_filter(shipped_policy()).program;
    const auto x32 = [] { ::syscall(SYS_getpid | 0x40000000); };
    const auto i386 = [] {
        long result = 20;  // getpid there
        asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    };
    CHECK(WTERMSIG(status_of({filter}, x32)) == SIGSYS);
    if (status_of({}, i386) != 0) {
        MESSAGE("skipped: this kernel has no i386 calls");
        return;
    }
    CHECK(WTERMSIG(status_of({filter}, i386)) == SIGSYS);
}
#endif
