// Programs that stand ready for jobs that have not come yet (isolate/parked.h).
//
// Which ones is learned from the jobs that do come: whoever asks for a program asks with everything
// that makes it what it is, and the next one who asks for the very same may find it started. So no
// language is known here, and a job that is unusual in any way is simply not found.
//
// One thread of its own starts them, while jobs leave a processor idle (warm_policy.h). Where all
// are busy nothing is started ahead, for that only moves work and saves none; jobs are then forks
// of a program that stands where that costs less than a start, and cold where it does not.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "engine/job.h"
#include "engine/warm_policy.h"
#include "isolate/command.h"
#include "isolate/parked.h"
#include "isolate/pool.h"

namespace engine {

// A program that can be started before its job is there: the whole command of the job's first
// stage, which is the compiler's where there is one, the file at which it stops, whose job it is,
// and the size of its box.
struct WarmStart {
    isolate::ZygoteKey key;
    isolate::BoxSize box;
    std::string prime;  // a file that is there from the start, beside the job's; or empty
    std::chrono::seconds max_age{0};  // 0: as all others
    bool can_fork = false;            // it may be a zygote
    bool is_compiler = false;
    config::Bytes memory{};  // of one that stands ready; 0: unknown

    bool operator==(const WarmStart&) const = default;
};

// What could have been started ahead for the job; empty if its runtime does not say that it can
// (packages::Script::warm), or something has to happen in the box before.
std::optional<WarmStart> warm_start_of(const Job& job);

// How often a program was asked for lately: an average of arrivals that fades with time. A value.
class Demand {
public:
    using Time = std::chrono::steady_clock::time_point;

    void note(Time now);
    // How many should stand ready, of which a new one takes so long to start; 0 if nobody has asked
    // for a long time.
    int wanted(Time now, std::chrono::steady_clock::duration start) const;
    double per_second(Time now) const;
    // Whether it is asked for so often that what takes as long as a start is worth it for what many
    // jobs then share.
    bool is_brisk(Time now) const;
    Time last() const { return last_; }

private:
    double rate_ = 0;  // arrivals a second, at last_
    Time last_{};
};

class Warmer {
public:
    // Keeps at most so many programs (Warm::parked) of so much memory, each on a runner of the
    // pool, which has so many more then, none longer than Warm::age. Does nothing if that is
    // nothing.
    Warmer(isolate::Pool& pool, const config::Warm& settings);
    ~Warmer();
    Warmer(const Warmer&) = delete;
    Warmer& operator=(const Warmer&) = delete;

    // Whether it is worth asking for one: false while all processors are busy and nothing stands
    // ready. Costs nothing.
    bool may_help(packages::Warm::Kind kind) const;

    // One that stands ready, if there is one; that it was asked for is remembered.
    std::unique_ptr<isolate::Parked> take(const WarmStart& start);

    // One that a zygote is forked for now, if that is worth it; the zygote is started if need be.
    // Throws as Pool::lease() and Parked do.
    std::unique_ptr<isolate::Parked> fork(const WarmStart& start, std::stop_token stop);

    // While this lives a job runs.
    class Running {
    public:
        explicit Running(Warmer& warmer);
        ~Running();
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;

    private:
        Warmer& warmer_;
    };

    // How many stand ready.
    int parked() const;

    // Processor time of all that were started and forked, each until it stood ready.
    std::chrono::microseconds cpu_time() const;

private:
    using Clock = std::chrono::steady_clock;

    struct Ready {
        std::unique_ptr<isolate::Parked> parked;
        Clock::time_point since;
    };
    // One program: who wants it, what there is of it, what it costs, and how long until one more is
    // there, by whatever way.
    struct Entry {
        WarmStart start;
        Demand demand;
        std::vector<Ready> ready;
        StartCosts costs;
        Clock::duration takes = std::chrono::milliseconds{50};
        Clock::time_point not_before{};  // after one that did not get to its gate
        std::chrono::seconds pause{10};  // and how long to wait after the next
    };

    enum class How { started, forked };

    void tend(std::stop_token stop);
    Clock::duration pause(bool waits_for_runner) const;
    config::Milliseconds age_of(const WarmStart& start) const;
    config::Milliseconds shortest_age() const;
    std::vector<Ready> take_stale(Clock::time_point now);
    std::vector<Entry*> missing(Clock::time_point now);
    std::optional<WarmStart> next_to_start(Clock::time_point now, std::vector<Ready>& leaving);
    bool is_anything_wanted(Clock::time_point now) const;
    bool make_room_for(const Entry& entry, Clock::time_point now, std::vector<Ready>& freed);
    Held held(const Entry& entry, Clock::time_point now) const;
    void start_one(const WarmStart& start, std::stop_token stop);
    bool is_zygote_nearly_used_up(const WarmStart& start) const;
    isolate::Lease with_zygote(isolate::Lease lease, const WarmStart& start);
    std::unique_ptr<isolate::Parked> park(const WarmStart& start, bool forked,
                                          std::stop_token stop);
    void note_cost(const WarmStart& start, How how, std::chrono::microseconds cost);
    bool is_worth_forking(const WarmStart& start);
    void give_pause(Entry& entry);
    Entry* find(const WarmStart& start);
    Entry& find_or_add(const WarmStart& start);
    StartCosts costs_of_another(const WarmStart& start) const;
    int count() const;

    isolate::Pool& pool_;
    const config::Warm settings_;

    mutable std::mutex mutex_;  // of what follows
    std::condition_variable_any changed_;
    std::list<Entry> entries_;
    std::chrono::microseconds cpu_time_{0};
    Load load_;
    int beside_ = 0;                // runners beside the pool's own
    bool waits_for_a_gap_ = false;  // something is to be started, and all processors are busy
    bool news_ = false;             // since the thread looked last

    std::jthread tender_;  // last: it uses all of the above
};

}  // namespace engine
