#include "api/dialects/picobytes_reply.h"

#include <cstdio>

#include "api/dialects/fastapi.h"
#include "api/dialects/picobytes_request.h"
#include "api/wire/json_text.h"

namespace dialects {

namespace {

void append_key(std::string& to, std::string_view key) {
    to.append(to.ends_with('{') ? "\"" : ",\"").append(key).append("\":");
}

void append_truth(std::string& to, std::string_view key, bool value) {
    append_key(to, key);
    to += value ? "true" : "false";
}

void append_text(std::string& to, std::string_view key, std::string_view text) {
    append_key(to, key);
    wire::append_json_text(to, text);
}

void append_seconds(std::string& to, std::string_view key, std::optional<double> seconds) {
    append_key(to, key);
    char text[48];
    std::snprintf(text, sizeof text, "%.6f", seconds.value_or(0));
    to += seconds ? text : "-1";
}

}  // namespace

std::string encode(const PicobytesReply& reply) {
    std::string json = "{";
    append_truth(json, "build", reply.build);
    append_truth(json, "compile", reply.compile);
    append_truth(json, "run", reply.run);
    append_text(json, "output", reply.output);
    append_seconds(json, "compilation_time", reply.compilation_time);
    append_seconds(json, "run_time", reply.run_time);
    append_text(json, "valgrind", reply.valgrind);
    append_key(json, "formatted_response");
    json += '[';
    for (const auto& [line, message] : reply.formatted_response) {
        if (!json.ends_with('[')) json += ',';
        json += '[' + std::to_string(line) + ',';
        wire::append_json_text(json, message);
        json += ']';
    }
    json += ']';
    append_key(json, "failed_tests");
    json += '[';
    for (const int number : reply.failed_tests) {
        if (!json.ends_with('[')) json += ',';
        json += std::to_string(number);
    }
    return json + "]}";
}

std::string encode_total_timeout(std::int64_t seconds) {
    return R"({"error":"Total Timeout exceeded ()" + std::to_string(seconds) + R"(s)!!!"})";
}

wire::Problem picobytes_problem_of(const std::exception& error, std::string_view id) {
    constexpr int unprocessable = 422;
    if (const auto* const known = dynamic_cast<const Unprocessable*>(&error))
        return {unprocessable, known->body()};
    return fastapi_problem_of(error, id);
}

}  // namespace dialects
