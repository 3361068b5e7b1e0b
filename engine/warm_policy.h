// What Warmer goes by (warm.h): when there is a processor for starting a program ahead, which
// program deserves the memory, and whether a fork costs less than a start. Pure values and
// functions; whoever owns them has the clock and the lock.
#pragma once

#include <chrono>
#include <optional>
#include <vector>

#include "config/units.h"

namespace engine {

// How busy jobs keep the processors.
class Load {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Load(int processors) : processors_(processors) {}

    void job_began(Time now) { change(now, 1); }
    void job_ended(Time now) { change(now, -1); }

    // How many jobs ran, on the average of the last moments.
    double average(Time now) const;
    // Whether jobs have need of all processors: as many run as there are, or nearly so many did
    // lately. The gap between two jobs of a busy client is not idleness: what is started in it
    // takes from the next job what it saves it.
    bool is_full(Time now) const;

private:
    void change(Time now, int by);

    int processors_;
    int running_ = 0;
    double average_ = 0;  // at last_
    Time last_{};
};

// What it takes of the processors to bring a program to its gate: averages of what was measured.
// Not how long it took, which on a busy machine says more of the machine.
class StartCosts {
public:
    using Cost = std::chrono::microseconds;
    using Time = std::chrono::steady_clock::time_point;

    void note_start(Cost cost);
    void note_fork(Time now, Cost cost);

    // Of a program that has never been started, what is usual.
    Cost of_start() const;
    // Whether jobs should be forks where no processor is idle. A fork costs more than it takes to
    // come to its gate, for it copies the pages that it then writes. True until both are known, for
    // finding out takes a zygote, and again after a while: one fork on a machine that was busy
    // otherwise does not decide for ever.
    bool fork_pays(Time now) const;

private:
    bool is_old(Time now) const;

    std::optional<Cost> start_, fork_;
    Time forked_{};
};

// One program: how many stand ready, what each takes of memory, and what one is worth (worth_of).
struct Held {
    int ready = 0;
    config::Bytes memory;
    double worth = 0;
};

// The time that one which stands ready saves, a second for each megabyte it takes.
double worth_of(double asked_per_second, std::chrono::microseconds saved, config::Bytes memory);

// What is free of what programs that stand ready may take.
struct Room {
    int places = 0;
    config::Bytes memory;
};

// How many of each program have to go so that there is room for one more of `wanted`; nothing if it
// has to do without. Room for the first of a program is made by what others have more than one of,
// and by what is worth less than half: so two do not drive each other out in turn.
std::optional<std::vector<int>> make_room(std::vector<Held> held, const Held& wanted, Room room);

}  // namespace engine
