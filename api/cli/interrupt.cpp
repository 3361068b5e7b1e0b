#include "api/cli/interrupt.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "isolate/sys/error.h"

namespace cli {

namespace {

// A handler is given nothing but the number. Blocking the signals and waiting for them instead
// would need neither, but programs we start would inherit them blocked.
std::atomic<int> wake_fd{-1};
std::atomic<int> received{0};

static_assert(std::atomic<int>::is_always_lock_free);  // man 7 signal-safety

void write_one(int fd) {
    const std::uint64_t one = 1;
    // An eventfd takes it or is full already, and then it is awake anyway.
    [[maybe_unused]] const auto written = ::write(fd, &one, sizeof one);
}

extern "C" void on_signal(int number) {
    const int saved = errno;
    received = number;
    write_one(wake_fd);
    errno = saved;
}

void handle(int number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
    ::sigaction(number, &action, nullptr);
}

// Started with SIGINT ignored (`nohup`, a shell's background job), it stays so.
bool is_ignored(int number) {
    struct sigaction action {};
    return ::sigaction(number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Interrupt::Interrupt() : wake_(::eventfd(0, EFD_CLOEXEC)) {
    if (!wake_) sys::fail("eventfd");
    wake_fd = wake_.get();
    thread_ = std::thread{[this] {
        std::uint64_t value = 0;
        while (::read(wake_.get(), &value, sizeof value) < 0 && errno == EINTR) continue;
        if (received != 0) source_.request_stop();
    }};
    for (const int number : {SIGINT, SIGTERM}) {
        if (!is_ignored(number)) handle(number, on_signal);
    }
}

Interrupt::~Interrupt() {
    for (const int number : {SIGINT, SIGTERM}) {
        if (!is_ignored(number)) handle(number, SIG_DFL);
    }
    write_one(wake_.get());
    thread_.join();
    wake_fd = -1;
}

int Interrupt::signal() {
    return received;
}

}  // namespace cli
