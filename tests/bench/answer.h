// What one job gave back, and whether it counts.
//
// An answer that is fast but wrong must never enter a statistic: every answer is held against an
// Expectation, and one that fails is an error, not a job. Checking happens after the clock stopped.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace bench {

struct Answer {
    std::chrono::steady_clock::duration took{};  // steady_clock is CLOCK_MONOTONIC
    std::string_view text;  // what came back; valid until the same client's next job
    std::string trouble;    // why there is no usable text; empty if there is
};

// One client's next job, done from start to end. Throws sys::Error if the machine is broken.
using Job = std::function<Answer()>;

struct Expectation {
    std::string text;             // must occur in the answer
    std::size_t least_bytes = 0;  // and the answer must be this long
};

// Why the answer does not count, in one line; empty if it does.
std::string complaint(const Answer& answer, const Expectation& expectation);

// True if a Piston answer names at least one exit code and every stage in it exited 0.
bool every_stage_exited_zero(std::string_view json);

}  // namespace bench
