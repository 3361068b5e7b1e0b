#include "api/wire/signal_name.h"

#include <algorithm>
#include <array>

namespace wire {

namespace {

// By number; 32 and 33 belong to the C library (man 7 nptl).
// clang-format off
constexpr std::array<std::string_view, 65> names = {
    "", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE",
    "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT",
    "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU",
    "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS", "", "",
    "SIGRTMIN", "SIGRTMIN+1", "SIGRTMIN+2", "SIGRTMIN+3", "SIGRTMIN+4", "SIGRTMIN+5",
    "SIGRTMIN+6", "SIGRTMIN+7", "SIGRTMIN+8", "SIGRTMIN+9", "SIGRTMIN+10", "SIGRTMIN+11",
    "SIGRTMIN+12", "SIGRTMIN+13", "SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMAX-14", "SIGRTMAX-13",
    "SIGRTMAX-12", "SIGRTMAX-11", "SIGRTMAX-10", "SIGRTMAX-9", "SIGRTMAX-8", "SIGRTMAX-7",
    "SIGRTMAX-6", "SIGRTMAX-5", "SIGRTMAX-4", "SIGRTMAX-3", "SIGRTMAX-2", "SIGRTMAX-1",
    "SIGRTMAX",
};
// clang-format on

}  // namespace

std::optional<std::string_view> signal_name(int number) {
    if (number < 0 || number >= static_cast<int>(names.size())) return {};
    const auto name = names[static_cast<std::size_t>(number)];
    if (name.empty()) return {};
    return name;
}

std::optional<int> signal_number(std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (name.empty() || found == names.end()) return {};
    return static_cast<int>(found - names.begin());
}

}  // namespace wire
