#include "tests/support/filtered_child.h"

#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <stdexcept>

namespace support {

namespace {

constexpr std::uint32_t leave = 0x1eafe;  // an argument that exit_group ignores

}  // namespace

FilterProgram filter_beneath() {
    constexpr auto low_word_of = [](unsigned argument) {
        return static_cast<std::uint32_t>(offsetof(seccomp_data, args) +
                                          argument * sizeof(std::uint64_t));
    };
    return {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_seccomp, 2, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word_of(1)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, leave, 3, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, low_word_of(0)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SECCOMP_SET_MODE_FILTER, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | reached),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
}

int status_of(std::vector<FilterProgram> filters, const std::function<void()>& work) {
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("fork");
    if (child == 0) {
        constexpr unsigned seconds = 60;
        const auto no_core = rlimit{0, 0};
        // Nothing to be done about failures of these; loading shows that of the last one.
        ::alarm(seconds);
        ::setrlimit(RLIMIT_CORE, &no_core);
        ::unshare(CLONE_NEWIPC);
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        for (auto& filter : filters) {
            const auto program =
                sock_fprog{static_cast<unsigned short>(filter.size()), filter.data()};
            // glibc has no wrapper for it.
            if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) ::_exit(91);
        }
        work();
        ::syscall(SYS_exit_group, 0, leave);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child) throw std::runtime_error("waitpid");
    return status;
}

std::vector<int> answers(const std::vector<FilterProgram>& filters,
                         const std::vector<CallProbe>& probes) {
    const auto size = probes.size() * sizeof(int);
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("mmap");
    auto* results = static_cast<int*>(memory);
    std::fill_n(results, probes.size(), -1);
    status_of(filters, [&] {
        for (std::size_t i = 0; i < probes.size(); ++i) {
            const auto& [a, b, c, d, e, f] = probes[i].arguments;
            // The bare call is what a probe is about.
            results[i] = ::syscall(probes[i].number, a, b, c, d, e, f) == -1 ? errno : 0;
        }
    });
    std::vector<int> result(results, results + probes.size());
    ::munmap(memory, size);
    return result;
}

std::vector<CallProbe> with_high_bits(const std::vector<CallProbe>& probes, std::size_t arguments) {
    std::vector<CallProbe> result;
    for (const std::uint64_t bits :
         {0x1'0000'0000U, 0x8000'0000'0000'0000U, 0xffff'ffff'0000'0000U}) {
        for (std::size_t i = 0; i < arguments; ++i) {
            for (auto probe : probes) {
                probe.name += ", high bits in argument " + std::to_string(i);
                probe.arguments.at(i) |= bits;
                result.push_back(std::move(probe));
            }
        }
    }
    return result;
}

}  // namespace support
