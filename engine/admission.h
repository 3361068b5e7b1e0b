// Who may run, and when: a bounded queue in front of a fixed number of slots.
//
// A slot is a thread, made once at start: a job reads top to bottom on one thread, and how many may
// run at once is how many threads there are. What waits is a value in the queue; clients take turns
// there (fair_queue.h). The queue is bounded in jobs and in bytes, and one client has a share of it
// only; who does not fit is told so at once instead of waiting for ever.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "config/settings.h"
#include "engine/busy.h"
#include "engine/client.h"
#include "engine/fair_queue.h"

namespace engine {

struct AdmissionStatus {
    int running = 0;
    int waiting = 0;
    config::Bytes waiting_bytes;
    int clients = 0;  // with jobs that run or wait
};

// What work brings along to wait with.
struct Ticket {
    Client client{};
    config::Bytes size{};    // of memory that it holds while it waits
    int most_running = 0;    // of this client's work at once; 0: any number
    std::stop_token gone{};  // stopped: nobody waits for it, and its place may be given away
};

// How long to wait until `ahead` jobs have ended, in whole seconds from 1 to 60. Pure.
std::chrono::seconds retry_after(std::size_t ahead, std::chrono::microseconds usual, int slots);

class Admission {
public:
    explicit Admission(const config::Admission& settings);
    // Work that still waits is dropped; work that runs is waited for.
    ~Admission();

    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    // Queues work. Throws Busy naming the limit and its key if there is no room. Work must not
    // throw; dropping it must be enough to cancel it.
    void submit(Ticket ticket, std::function<void()> work);

    // Queues work if a slot is free for it now and this client may have one more; says whether.
    // For what can go on without it.
    bool offer(const Ticket& ticket, std::function<void()> work);

    // Whether somebody waits who could have a slot that becomes free.
    bool is_wanted() const;

    AdmissionStatus status() const;

private:
    struct Waiting {
        std::stop_token gone;
        std::function<void()> work;
    };

    std::string trouble(const Ticket& ticket) const;
    void serve(const std::stop_token& stop);

    const config::Admission settings_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    FairQueue<Waiting> queue_;
    int running_ = 0;
    std::chrono::microseconds usual_{100'000};  // time of a job, of late
    std::vector<std::jthread> slots_;           // last: stopped and joined first
};

}  // namespace engine
