// What several services have in common that ran each job in a container of its own: one file, one
// time for everything, one exit code at the end. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "config/settings.h"
#include "engine/job.h"
#include "engine/result.h"

namespace dialects {

// What such a container was given.
struct Allowance {
    config::Milliseconds time;  // of compiling and running together
    config::Bytes memory;
    int cpu_percent = 0;                     // of one processor; 0: no quota
    std::optional<config::Bytes> disk = {};  // empty: as the runtime has it

    bool operator==(const Allowance&) const = default;
};

// A job of one file that is held to the allowance instead of the runtime's own limits: its time
// bounds the job, its memory the run stage (a compiler keeps what it has, if that is more). The
// quota bounds processor time better than a limit of it, so there is none. Processes, open files
// and output stay the runtime's.
engine::Job job_within(std::shared_ptr<const engine::Runtime> runtime, engine::File file,
                       const Allowance& allowance);

// How a job ended, as one container would have.
struct Outcome {
    std::string out, err;  // of the run stage, or of the compiler if it failed; whole characters
    // The program's own; 128 and the number of a signal that ended it; 124: out of time; 137: out
    // of memory, too much output.
    int exit_code = 0;
    bool compiled = true;  // false: it is the compiler that ended so
    engine::Verdict verdict = engine::Verdict::passed;
    std::chrono::microseconds wall_time{0};  // of all stages
    config::Bytes memory;                    // the most that the run stage held

    bool timed_out() const;
    bool out_of_memory() const { return verdict == engine::Verdict::out_of_memory; }
};

Outcome outcome_of(const engine::JobResult& result);

}  // namespace dialects
