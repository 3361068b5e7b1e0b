// The measuring loop: a fixed number of clients, each with one job in flight at any time.
//
// A closed loop measures what a user waits for and what the server can sustain, not how it sheds
// load. With a pause before each job it shows what users of an idle server see instead: kernel
// paths that stay warm in a tight loop go cold within milliseconds.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/bench/answer.h"

namespace bench {

struct Pace {
    int clients = 1;
    std::chrono::duration<double> span{2.0};      // no new job after this ...
    std::chrono::duration<double> longest{20.0};  // ... or, if jobs are still too few, after this
    long least_jobs = 5;                          // all clients together, errors included
    std::chrono::duration<double> pause{0};       // of each client, before each of its jobs
};

struct Tally {
    std::vector<double> milliseconds;  // one entry per job that counted
    long errors = 0;
    std::string first_error;
    double seconds = 0;  // start line to the end of the last job
};

// Runs one thread per client. Each does one job that is not counted before the clock starts, so
// that connections are open and code is paged in; its failure does count.
Tally closed_loop(const Pace& pace, const Expectation& expectation,
                  const std::function<Job()>& make_client);

}  // namespace bench
