// POST /execute: run a program and answer with what came of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "api/http/exchange.h"
#include "api/resources/answer.h"
#include "api/resources/context.h"
#include "engine/grading.h"
#include "engine/job.h"
#include "engine/result.h"

namespace resources {

// What the ways to ask for a job differ in: reading, answering, and what is said of errors.
struct Manner {
    engine::Job (*decode)(const std::string& body, const engine::Runtimes& runtimes,
                          const config::Settings& settings);
    std::string (*encode)(const engine::JobResult& result);
    ProblemOf problem_of;
};

// Runs a job that has a slot, or grades it if it has tests.
engine::JobResult carry_out(Context& context, const http::Exchange& exchange,
                            const engine::Job& job, engine::GradingEvents& events,
                            isolate::Steering* steering = nullptr);

// Decodes at once, so that a wrong request is told so without waiting; the job then waits for a
// slot as a value. If the client goes away, its job is killed.
void execute(Context& context, const std::shared_ptr<http::Exchange>& exchange,
             const Manner& manner);

// Likewise with another text in the place of the body.
void execute(Context& context, const std::shared_ptr<http::Exchange>& exchange,
             const Manner& manner, const std::string& body);

// In the manner of a Piston of one's own. Without a JSON type the body counts as none, as there,
// unless the settings read any.
void execute(Context& context, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace resources
