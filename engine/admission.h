// Who may run, and when: a bounded queue in front of a fixed number of slots.
//
// A slot is a thread, made once at start: a job reads top to bottom on one thread, and how many may
// run at once is how many threads there are. What waits is a value in the queue, first in, first
// out. The queue is bounded in jobs and in bytes; who does not fit is told so at once instead of
// waiting for ever.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "config/settings.h"

namespace engine {

struct AdmissionStatus {
    int running = 0;
    int waiting = 0;
    config::Bytes waiting_bytes;
};

class Admission {
public:
    explicit Admission(const config::Admission& settings);
    // Work that still waits is dropped; work that runs is waited for.
    ~Admission();

    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    // Queues work that holds `size` of memory while it waits. Throws sys::Error{busy} naming the
    // limit and its key if there is no room. Work must not throw; dropping it must be enough to
    // cancel it.
    void submit(config::Bytes size, std::function<void()> work);

    AdmissionStatus status() const;

private:
    struct Waiting {
        config::Bytes size;
        std::function<void()> work;
    };

    void serve(const std::stop_token& stop);

    const config::Admission settings_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Waiting> queue_;
    config::Bytes queued_;
    int running_ = 0;
    std::vector<std::jthread> slots_;  // last: stopped and joined first
};

}  // namespace engine
