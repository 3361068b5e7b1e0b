// What came of a job as the public Piston answered it (contract section 2.9), in both versions of
// its API. How its requests are read is in job.h.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "api/wire/problem.h"
#include "engine/result.h"
#include "engine/runtime.h"

namespace wire {

// Version 2: `language`, `version`, `run`, and `compile` if there is such a stage. The stages are
// those of Piston; where compiling failed, `run` repeats `compile`.
std::string encode_facade(const engine::JobResult& result);

// Version 1: `ran`, `language`, `version`, `output`, `stdout`, `stderr`. `ran` is whether every
// stage exited with 0. The texts are those of both stages, without carriage returns, and at most
// 65536 characters long, counted as JavaScript does.
std::string encode_v1(const engine::JobResult& result);

// [{"name","version","aliases"}, …] in the order of the list.
std::string encode_v1_versions(const engine::Runtimes& runtimes);

// As problem_of, but for what broke on our side, which is "Execution problem: …".
Problem facade_problem_of(const std::exception& error, std::string_view id);

}  // namespace wire
