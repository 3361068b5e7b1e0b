// What came of a job: values only, the last word of the engine before some wire format encodes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "config/units.h"
#include "engine/runtime.h"
#include "engine/verdict.h"

namespace engine {

// The output of one stage, as raw bytes; at most Limits::output of each stream.
struct Output {
    std::string out;
    std::string err;
    std::string
        both;  // in the order of arrival; empty if one stream alone was written, which then is it
};

struct StageResult {
    Verdict verdict = Verdict::passed;
    std::optional<int> exit_code;  // empty if killed
    std::optional<int> signal;     // the number, if a signal ended the program
    Output output;
    std::chrono::microseconds wall_time{0};
    std::chrono::microseconds cpu_time{0};
    config::Bytes memory;   // peak
    std::string message;    // empty, or one sentence for people
    bool was_kept = false;  // it ran for an earlier job, and its result was kept

    bool passed() const { return verdict == Verdict::passed; }
};

struct Graded;

struct JobResult {
    std::shared_ptr<const Runtime> runtime;
    std::optional<StageResult> compile;   // only if the runtime has a compile stage
    std::optional<StageResult> run;       // only if there was no compile stage or it passed
    std::chrono::microseconds queued{0};  // waiting for admission and a runner
    config::Milliseconds total_time = config::unlimited_time;  // that the job was given
    std::shared_ptr<const Graded> graded = {};  // only if the job has a plan of tests
};

}  // namespace engine
