// Compiling once and running many times.
//
// compile() leaves a Compiled: what the job's directory held when the compile stage had ended.
// run_compiled() gives it to a new box, under a new uid, in any runner, and runs the run stage; so
// runs see the same files and nothing of one another, whatever order they come in and however many
// run at once. A job that is not compiled has its own files in that place. grade() does this with
// the tests of a plan.
//
// A grading job has one slot of the admission, as any job, and would end with that one alone. It
// takes more while they are free and nobody waits for one, a test at a time, so that it delays
// others by a test at most and waits for nothing that it holds itself.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>

#include "config/settings.h"
#include "engine/admission.h"
#include "engine/engine.h"
#include "engine/grading_plan.h"

namespace engine {

// As Events, which tell of the compile stage, on the job's own thread; and the tests. Of those one
// is told at a time, on any thread; in their order, as far as they were run, if the first failure
// ends the rest, and else in the order in which they end.
class GradingEvents : public Events {
public:
    virtual void test_ended(std::size_t /*index*/, const TestResult&) {}
};

// Who may help: the admission, with whose ticket, and within which settings.
struct Help {
    Admission* admission = nullptr;  // null: nobody
    Ticket ticket{};                 // of the client; its size does not count
    config::Grading settings{};
};

// Grades the job, which must have a plan (Job::grading). Throws as Engine::execute does, and
// sys::Error{invalid} naming the test if an expression cannot be used. In the result `run` is that
// of telling_test().
JobResult grade(Engine& engine, const Job& job, GradingEvents& events, std::stop_token stop,
                const Help& help);

}  // namespace engine
