// What an engine tells of one run, in any of its three manners: events of a stream, messages of a
// WebSocket, or one answer at the end. Passes the output on as it comes and keeps how it ended.
//
// What a compiler says goes where errors go, for a run's output is the program's alone. Everything
// here comes from a network: what is of another type than it should be is taken as not said.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/cli/run/ending.h"
#include "api/cli/run/event_stream.h"

namespace cli {

class Transcript {
public:
    using Sink = std::function<void(std::string_view)>;
    struct Sinks {
        Sink out, err;
        Sink note;  // "python 3.11.2", "compile", "run": for those who want to watch; or none
    };

    explicit Transcript(Sinks sinks) : sinks_(std::move(sinks)) {}

    // Each throws Failure{failed} with the engine's sentence where it gave up, sys::Error{broken}
    // for what is no JSON object, and what the sinks throw.
    void take_event(const Event& event);       // of text/event-stream
    void take_message(std::string_view json);  // of /api/v2/connect
    void take_answer(std::string_view json);   // of /api/v2/execute; shows all output

    // The program has begun: from here on it reads its input.
    bool running() const { return running_; }
    // Nothing more will come that matters.
    bool finished() const { return ending_.has_value(); }
    // Of the stage that decides: the run, or a compile stage that failed.
    const std::optional<Ending>& ending() const { return ending_; }

private:
    struct Facts;

    void begin(const std::string& stage);
    void note(const std::string& text);
    void show(const std::string& stream, std::string_view data);
    void end(const Ending& ending);

    Sinks sinks_;
    Stage stage_ = Stage::run;
    bool running_ = false;
    std::optional<Ending> ending_;
};

}  // namespace cli
