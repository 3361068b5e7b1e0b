// picobytes: exercises in C with tests, lists of functions, and a look at the heap
// (POST /submit). What becomes of a submission, from its values to the answer.
//
// The code is looked at, compiled once, run until every assertion has been reached, and run once
// more under Valgrind, each in a box of its own with what the compiler left: by
// the engine's compile() and run_compiled(). The pure parts are in the other picobytes_* files.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "api/dialects/picobytes_request.h"
#include "config/units.h"
#include "engine/engine.h"
#include "engine/runtime.h"

namespace dialects {

// The newest runtime for the request's language. Throws sys::Error{invalid} if there is none that
// is started without a script.
std::shared_ptr<const engine::Runtime> runtime_of(const PicobytesRequest& request,
                                                  const engine::Runtimes& runtimes);

struct PicobytesJob {
    engine::Job submitted;  // who asked for it, its runtime and its files, as they came
    PicobytesRequest request;
    config::Milliseconds most_time;  // no request gets more for everything
};

// One job of that kind: its files are the code and the tests.
engine::Job submitted_job(const PicobytesRequest& request,
                          std::shared_ptr<const engine::Runtime> runtime);

// The answer, whatever came of it; on the caller's thread. Throws as Engine::execute does. The
// engine's observer is told of one job.
std::string submit(engine::Engine& engine, const PicobytesJob& job, std::stop_token stop);

}  // namespace dialects
