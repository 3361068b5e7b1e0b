// What came of a job, as the JSON that Piston answers /execute with.
//
// Piston's two-letter codes (RE SG TO OL EL XX) exist here and nowhere else.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/result.h"

namespace wire {

// How a stage ended, in Piston's words.
struct Ending {
    std::optional<int> code;
    std::string_view signal;  // empty: null
    std::string_view status;  // empty: null
    std::string message;      // empty: null

    bool operator==(const Ending&) const = default;
};

Ending ending_of(const engine::StageResult& stage);

// How a stage ended, without braces: "code","signal","status","message","cpu_time","wall_time",
// "memory".
// `message` takes the place of the stage's own unless it is empty.
std::string ending_fields(const engine::StageResult& stage, std::string_view message = {});

// ,"message":… with null for an empty one.
std::string message_field(std::string_view message);

// One stage: all ten keys, in Piston's order.
std::string encode(const engine::StageResult& stage);

// The whole answer. Where compiling failed, `run` repeats `compile`.
std::string encode(const engine::JobResult& result);

}  // namespace wire
