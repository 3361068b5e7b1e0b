// Blocks all signals while it lives, so that threads started meanwhile never run a handler: signals
// stay with the thread of main, which waits for them (man 3 pthread_sigmask: masks are inherited).
#pragma once

#include <signal.h>

namespace http {

class BlockedSignals {
public:
    BlockedSignals() {
        auto all = sigset_t{};
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    BlockedSignals(const BlockedSignals&) = delete;
    BlockedSignals& operator=(const BlockedSignals&) = delete;
    ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace http
