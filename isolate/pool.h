// The warm runners, and the right to use one.
//
// One thread of the pool's own, the tender, does everything that takes time: it asks the keeper for
// runners, adopts those that come, inspects every runner that is returned, and scraps what is
// suspect, old or broken. A lease is therefore a pop from a list, or a wait. When the keeper dies
// all its containers die with it; the pool then says so (status) and starts over as soon as a new
// keeper is there.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "config/settings.h"
#include "isolate/filter.h"
#include "isolate/messages.h"
#include "isolate/runner.h"
#include "isolate/sys/fd.h"

namespace isolate {

class Pool;

// The right to one runner until it is destroyed; then the runner goes back, suspect.
class Lease {
public:
    // `was_ready`: nobody had to wait for the runner.
    Lease(Pool& pool, std::unique_ptr<Runner> runner, bool was_ready = true)
        : pool_(&pool), runner_(std::move(runner)), was_ready_(was_ready) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    Runner& runner() { return *runner_; }
    bool was_ready() const { return was_ready_; }

private:
    Pool* pool_;
    std::unique_ptr<Runner> runner_;
    bool was_ready_;
};

// What the pool can say about itself; for /readyz, the log and tests.
struct PoolStatus {
    int ready = 0, leased = 0, starting = 0, inspected = 0;
    bool keeper_alive = false;
    std::string trouble;  // why runners do not come, in one sentence; empty if they do

    bool operator==(const PoolStatus&) const = default;
};

// Whether a new runner has to show that it holds before it serves (self_test.h).
enum class SelfTest { demanded, left_out };

using Cleaned = std::function<void(std::chrono::microseconds)>;

class Pool {
public:
    // `keepers` delivers a socket to a keeper: one at once, another whenever the keeper had to be
    // started again (api/daemon/guard.h). The tender starts all runners at once. It calls `cleaned`
    // for each runner that came back used, with the time from then to its being ready or scrapped.
    Pool(config::Pool settings, Filter filter, sys::UniqueFd keepers,
         SelfTest self_test = SelfTest::demanded, Cleaned cleaned = {});
    // Stops the tender and lets the keeper go, which ends all containers and sweeps.
    ~Pool();

    Pool(const Pool&) = delete;
    Pool& operator=(const Pool&) = delete;

    // The runner that was used last, for its memory is the warmest, or the next that becomes ready.
    // Throws sys::Error: busy if stopped while waiting, broken if there is none within the start
    // time-out. It comes without a zygote, or with one that serves `preferred`; one that has such a
    // zygote is taken first.
    Lease lease(std::stop_token stop, const ZygoteKey* preferred = nullptr);

    // Keeps so many runners beside those of the settings from now on. Of fewer than before, those
    // that are too many end when they are next at rest.
    void keep_beside(int runners);
    // Whether more than so many are there beside those of the settings, at work or not.
    bool has_beside(int runners) const;

    // Of the zygotes of ready runners that serve the key: the most that one of them may still fork.
    // 0: there is none.
    int forks_left(const ZygoteKey& key) const;

    // Ends the zygotes of ready runners that are too old.
    void end_old_zygotes();

    PoolStatus status() const;

    // Called by Lease.
    void give_back(std::unique_ptr<Runner> runner);

private:
    enum class State { starting, ready, leased, returned, stopping };

    // One index, one container. A container that replaces another has the same index and another
    // serial.
    struct Slot {
        State state = State::starting;
        std::uint32_t serial = 0;
        BoxClosed at_rest{};                               // what a clean runner answers
        std::chrono::steady_clock::time_point returned{};  // last
    };

    std::unique_ptr<Runner> pop_ready(const ZygoteKey* preferred);
    void tend(std::stop_token stop);
    void adopt_keeper();
    void lose_keeper();
    void hear_keeper();
    void adopt_runner(const StartedNews& news, sys::PassedFds fds);
    void refuse_runner(const StartedNews& news);
    void prove(std::unique_ptr<Runner> runner);
    std::string trouble_of(std::unique_ptr<Runner> runner);
    void start_later(std::string trouble);
    void wait_before_next_start();
    void forget_runner(const EndedNews& ended);
    void start_missing();
    void wait_for_something();
    void inspect_returned();
    std::unique_ptr<Runner> next_to_inspect();
    std::string anomaly_of(Runner& runner);
    void tell_cleaned(std::uint32_t index);
    void scrap(std::unique_ptr<Runner> runner, const std::string& why);
    bool order(Verb verb, std::uint32_t index, std::uint32_t serial);
    void wake_tender() const;
    int count(State state) const;
    bool is_surplus(std::uint32_t index) const;

    const config::Pool settings_;
    const Filter filter_;
    const SelfTest self_test_;
    const Cleaned cleaned_;
    sys::UniqueFd keepers_;
    sys::UniqueFd wake_;  // eventfd

    // The tender's own.
    sys::UniqueFd keeper_;
    std::uint32_t next_serial_ = 1;
    std::chrono::steady_clock::time_point not_before_{};  // of the next start after a failed one
    int failures_ = 0;

    mutable std::mutex mutex_;  // of what follows
    std::condition_variable_any changed_;
    std::map<std::uint32_t, Slot> slots_;
    std::deque<std::unique_ptr<Runner>> ready_;
    std::deque<std::unique_ptr<Runner>> returned_;
    std::string trouble_ = "the keeper has not started yet";
    int beside_ = 0;  // keep_beside()
    bool keeper_alive_ = false;

    std::jthread tender_;  // last: stopped and joined before anything else goes
};

}  // namespace isolate
