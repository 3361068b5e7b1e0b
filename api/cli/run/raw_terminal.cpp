#include "api/cli/run/raw_terminal.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "isolate/sys/error.h"

namespace cli {

namespace {

// What ends a process that does nothing about it, and is not waited for by the loop that reads the
// keys (interactive.cpp).
constexpr std::array fatal_signals{SIGHUP, SIGPIPE, SIGABRT, SIGSEGV, SIGBUS,
                                   SIGFPE, SIGILL,  SIGALRM, SIGXCPU, SIGXFSZ};

// A handler is given nothing but the number.
termios to_restore{};
std::atomic<bool> is_raw{false};

static_assert(std::atomic<bool>::is_always_lock_free);  // man 7 signal-safety

// SA_RESETHAND gave the signal its usual effect back, which it has once this returns.
extern "C" void restore_and_die(int number) {
    if (is_raw) ::tcsetattr(STDIN_FILENO, TCSANOW, &to_restore);
    ::raise(number);
}

// Of these signals, those that still have their usual effect: SIGHUP may be ignored (`nohup`).
void replace(void (*from)(int), void (*to)(int)) {
    for (const int number : fatal_signals) {
        struct sigaction action {};
        if (::sigaction(number, nullptr, &action) != 0 || action.sa_handler != from) continue;
        action = {};
        action.sa_handler = to;
        action.sa_flags = static_cast<int>(SA_RESETHAND);
        ::sigaction(number, &action, nullptr);
    }
}

}  // namespace

bool is_at_terminal() {
    return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1 &&
           ::tcgetpgrp(STDIN_FILENO) == ::getpgrp();
}

WindowSize window_size() {
    winsize size{};
    // Serial consoles say 0.
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        return {};
    return {.rows = size.ws_row, .columns = size.ws_col};
}

RawTerminal::RawTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) sys::fail("read the terminal's settings");
    auto raw = before_;
    ::cfmakeraw(&raw);
    to_restore = before_;
    is_raw = true;
    replace(SIG_DFL, restore_and_die);
    if (::tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0) return;
    const int error = errno;
    replace(restore_and_die, SIG_DFL);
    is_raw = false;
    sys::fail("set the terminal to raw mode", error);
}

RawTerminal::~RawTerminal() {
    // It may be gone by now, and then there is nothing to restore.
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    is_raw = false;
    replace(restore_and_die, SIG_DFL);
}

}  // namespace cli
