// code-executor: a service with the same two messages over REST (POST /api/v1/execute) and gRPC.
//
// The messages are values here, so that both ways in share what they mean; only REST's JSON is
// read and written here, too. Pure.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "api/wire/problem.h"
#include "config/settings.h"
#include "engine/job.h"
#include "engine/result.h"
#include "engine/runtime.h"

namespace dialects {

// 0 of a number: what the settings give.
struct CodeExecutorRequest {
    std::string language;
    std::string code;
    std::string input;
    std::int32_t timeout_seconds = 0;
    std::int64_t memory_limit_mb = 0;
    double cpu_limit = 0;  // processors

    bool operator==(const CodeExecutorRequest&) const = default;
};

struct CodeExecutorResponse {
    std::string stdout;  // whatever bytes the program wrote
    std::string stderr;
    std::int32_t exit_code = 0;  // 124: out of time; 137: killed; 128 + n: by signal n
    bool timeout = false;
    bool memory_exceeded = false;
    std::int64_t execution_time_ms = 0;  // compiling included
    std::int64_t memory_used_mb = 0;     // the program's peak, rounded up

    bool operator==(const CodeExecutorResponse&) const = default;
};

// The job, without an id. What is asked for beyond the settings' most counts as the most. Throws
// sys::Error{invalid} naming the field: a language that the service had not or that is not
// installed, no code, a number below 0.
engine::Job job_of(const CodeExecutorRequest& request, const engine::Runtimes& runtimes,
                   const config::CodeExecutor& settings);

CodeExecutorResponse response_of(const engine::JobResult& result);

// The JSON of REST. Unknown keys are ignored, null counts as absent, of a key given twice the last
// counts. Throws wire::SyntaxError for what is no JSON object, sys::Error{invalid} naming the field
// for a value of the wrong type.
CodeExecutorRequest decode_code_executor(const std::string& body);
std::string encode(const CodeExecutorResponse& response);

// {"error": …}, as the service had it.
wire::Problem code_executor_problem_of(const std::exception& error, std::string_view id);

}  // namespace dialects
