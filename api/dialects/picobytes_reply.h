// The answer of picobytes: its keys in their order. Pure.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialects/picobytes_report.h"
#include "api/wire/problem.h"

namespace dialects {

struct PicobytesReply {
    bool build = false;
    bool compile = false;
    bool run = false;
    std::string output;
    std::optional<double> compilation_time;  // seconds; nothing: not reached
    std::optional<double> run_time;
    std::string valgrind;
    std::vector<Diagnostic> formatted_response;
    std::vector<int> failed_tests;
};

std::string encode(const PicobytesReply& reply);

// The answer where the time for everything was over.
std::string encode_total_timeout(std::int64_t seconds);

// 422 with the rows of an Unprocessable; otherwise {"detail": "<sentence>"}.
wire::Problem picobytes_problem_of(const std::exception& error, std::string_view id);

}  // namespace dialects
