// One job in progress: its box, its stages one after the other, on the stack of the thread that
// runs it.
#pragma once

#include <stop_token>

#include "engine/events.h"
#include "engine/job.h"
#include "engine/result.h"
#include "isolate/box.h"
#include "isolate/steering.h"
#include "isolate/supervise.h"

namespace engine {

class Execution {
public:
    // Opens the box and places the files: the job's own, and beside them code.code (the main file
    // again) and args.args (an argument a line), unless the job has files of those names. Input
    // from the steering, which may be null, goes to the run stage; whatever else it asks, to
    // either.
    Execution(isolate::Lease lease, const Job& job, Events& events, std::stop_token stop,
              isolate::Steering* steering);

    // Runs one stage to its end. Throws sys::Error{broken} if the runner fails underneath.
    StageResult run(Stage stage);

private:
    void place_files();
    isolate::Exit watch(Stage stage, const isolate::Command& command, Output& kept);

    const Job& job_;
    Events& events_;
    std::stop_token stop_;
    isolate::Steering* steering_;
    bool told_started_ = false;
    isolate::Box box_;
};

}  // namespace engine
