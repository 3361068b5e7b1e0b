// mini-piston: one call, plain JSON, no versions and no limits to ask for. Pure.
#pragma once

#include <string>

#include "engine/job.h"
#include "engine/result.h"
#include "engine/runtime.h"

namespace dialects {

// The job, without an id, with the limits of the newest runtime that answers to `language`. Throws
// as decode_code_executor does, and for a language that is not installed.
engine::Job decode_mini_job(const std::string& body, const engine::Runtimes& runtimes);

// {"language","run":{"stdout","stderr","output","code","signal"}}; where compiling failed, `run` is
// what the compiler did.
std::string encode_mini_job(const engine::JobResult& result);

}  // namespace dialects
