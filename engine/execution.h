// One job in progress: its box, its stages one after the other, on the stack of the thread that
// runs it.
//
// A box begins with the job's own files, or with the tree that another box was left with
// after compiling the same (compiled.h, kept_compile.h). Any number of stages and other programs
// may run in it, one after the other, each in fresh namespaces.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>

#include "engine/events.h"
#include "engine/job.h"
#include "engine/kept_compile.h"
#include "engine/result.h"
#include "isolate/box.h"
#include "isolate/parked.h"
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

    // Goes on with a program that stood ready for this job (warm_start_of): places the files and
    // lets it go. It is the job's first stage. Empty if it had died. Throws as Box::check() does.
    static std::optional<Execution> begin_warm(std::unique_ptr<isolate::Parked> parked,
                                               const Job& job, Events& events, std::stop_token stop,
                                               isolate::Steering* steering);

    // Who is told, who stops it, who steers it.
    struct Company {
        Events& events;
        std::stop_token stop;
        isolate::Steering* steering = nullptr;
    };

    // For the run stage: places a tree in the box, and args.args anew. Of the job's files only the
    // names matter then.
    Execution(isolate::Box box, const Job& job, const isolate::Tree& tree, Company company);

    // Another file in the job's directory, before anything runs.
    void place(const File& file) { box_.place(file.name, file.content); }

    // When the first stage was accepted; empty before.
    std::optional<std::chrono::steady_clock::time_point> began() const { return began_; }

    // Runs one stage to its end. Throws sys::Error{broken} if the runner fails underneath.
    StageResult run(Stage stage);

    // Runs another program as that stage: it is told and limited as `command` says. Throws as
    // run().
    StageResult run(Stage stage, const isolate::Command& command);

    // In the place of run(Stage::compile), where its tree is in the box: tells what was kept of it.
    // Throws as Box::check() does.
    StageResult retell(const KeptCompile& kept);

    // What the job's directory holds now. Throws sys::Error{invalid} if that is more than so many
    // bytes or entries, or cannot be read.
    isolate::Tree tree(config::Bytes most, std::uint32_t most_entries = isolate::max_tree_entries);

private:
    // The stage that runs already.
    struct Started {
        isolate::Process process;
        std::chrono::steady_clock::time_point since;
    };
    Execution(isolate::Box box, Started started, const Job& job, Events& events,
              std::stop_token stop, isolate::Steering* steering);

    void place_tree(const isolate::Tree& tree);
    isolate::Exit watch(Stage stage, const isolate::Command& command, Output& kept);

    const Job& job_;
    Events& events_;
    std::stop_token stop_;
    isolate::Steering* steering_;
    std::chrono::microseconds used_{0};  // of Job::total_time
    std::optional<std::chrono::steady_clock::time_point> began_;
    isolate::Box box_;
    std::optional<Started> started_;  // ahead of its job
};

}  // namespace engine
