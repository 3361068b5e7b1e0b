// Watching one stage from its start to its end.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>

#include "config/limits.h"
#include "isolate/process.h"
#include "isolate/protocol.h"
#include "isolate/runner.h"
#include "isolate/steering.h"

namespace isolate {

// Why a stage ended. The supervisor's own reasons outrank the signal they left behind.
enum class Cause {
    own_exit,    // code is the exit code
    own_signal,  // code is the signal
    wall_clock,
    cpu_clock,
    standard_out,  // wrote more than the output limit
    standard_err,
    canceled,
    not_started,  // fault says why
    lost,  // the PID 1 of the box was killed, by the kernel for memory or by somebody outside
};

struct Exit {
    Cause cause = Cause::own_exit;
    int code = 0;
    Fault fault{};  // of not_started
    std::chrono::microseconds wall_time{
        0};  // from the order to start until the last process was gone

    bool operator==(const Exit& other) const {
        return cause == other.cause && code == other.code && wall_time == other.wall_time;
    }
};

enum class Stream { standard_out, standard_err };

// Takes output as it arrives; never more than the limit of each stream. Must not block.
using Sink = std::function<void(Stream, std::string_view)>;

struct Supervision {
    const config::Limits& limits;
    std::string_view standard_in;  // written as the program takes it, then closed or steered on
    Sink sink;
    std::stop_token stop;  // asked to stop: the stage is killed
    std::chrono::steady_clock::time_point began;
    Steering* steering = nullptr;
    bool input_from_steering = true;  // false: input waits for a later stage
};

// Feeds, reads, and ends the stage by its limits; returns when every process of it has ended and
// all output is read. Only its PID 1 may be about to exit (Runner::settle). Throws
// sys::Error{broken} if the runner fails underneath.
Exit supervise(Process process, Runner& runner, const Supervision& supervision);

}  // namespace isolate
