// base64-jobs: a service that ran each job as one of Kubernetes, code and input in base64. Pure.
//
// What it made of the output of programs is left out: white space stays, and so does what a
// successful program wrote to its standard error.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "api/wire/problem.h"
#include "config/settings.h"
#include "engine/job.h"
#include "engine/result.h"
#include "engine/runtime.h"

namespace dialects {

// The job, without an id. A `timeout` beyond the settings' counts as theirs, and so does one that
// is no time. Throws FieldErrors (fastapi.h) for fields that are missing or of the wrong type;
// sys::Error{invalid} for a language that the service had not or that is not installed, and for
// what is not base64 of UTF-8.
engine::Job decode_base64_job(const std::string& body, const engine::Runtimes& runtimes,
                              const config::Base64Jobs& settings);

// {"status","stdout","stderr","execution_time","exit_code"}; why a job was killed stands before
// what it wrote to its standard error.
std::string encode_base64_job(const engine::JobResult& result);

}  // namespace dialects
