// What is told of every job besides its result, to whoever counts jobs or writes them down: values,
// at the one place where jobs begin and end, whatever way they came in.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "engine/events.h"
#include "engine/job.h"
#include "engine/result.h"
#include "isolate/sys/error.h"

namespace engine {

// How the program of a job came to run.
enum class Start {
    cold,
    warm,  // it had been started before the job came
    fork,  // it is a fork of one that had
};

struct JobEnd {
    JobResult result;                    // what there is of it, if there was trouble
    std::optional<sys::Kind> trouble{};  // why execute() throws; empty: it returns the result
    std::optional<bool> was_ready{};     // its runner; empty: it got none
    Start start = Start::cold;           // of its first stage
    std::optional<std::chrono::microseconds> until_begun{};  // from a slot to the first stage
    std::optional<std::chrono::microseconds> executing{};    // from then on, all stages
    std::chrono::microseconds took{0};                       // from a slot to the end
};

// "cold", "warm", "fork".
std::string_view name(Start start);

// The verdict of its last stage; or why it has none: "broken", "invalid", "canceled". Pure.
std::string_view outcome(const JobEnd& end);

// The stage that was to run when the trouble came; empty if none was accepted yet, or there was
// none. Pure.
std::optional<Stage> broken_stage(const JobEnd& end);

// Both are called on the job's own thread, and may be empty.
struct Observer {
    // Throws sys::Error if the job must not run now; then nothing else is told of it.
    std::function<void(const Job&)> admit{};
    // Before anybody has the result. What it throws takes the result's place.
    std::function<void(const Job&, const JobEnd&)> ended{};
};

// Something that jobs need besides a place is not there now: an answer with 503.
class Unavailable : public sys::Error {
public:
    explicit Unavailable(const std::string& sentence) : Error(sys::Kind::busy, sentence) {}
};

}  // namespace engine
