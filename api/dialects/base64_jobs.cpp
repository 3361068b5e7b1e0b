#include "api/dialects/base64_jobs.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <iterator>
#include <utility>

#include "api/dialects/allowance.h"
#include "api/dialects/fastapi.h"
#include "api/dialects/python_text.h"
#include "api/dialects/request_fields.h"
#include "api/wire/json_text.h"
#include "isolate/sys/error.h"

namespace dialects {

namespace {

using engine::Verdict;

// The service's names of its languages, ours, and what it called the source.
struct Language {
    std::string_view name, runtime;
    const char* file;
};

constexpr Language languages[] = {
    {"python", "python", "solution.py"},
    {"javascript", "javascript", "solution.js"},
    {"cpp", "c++", "solution.cpp"},
    {"java", "java", "Solution.java"},
};

// As Python shows a list of texts.
std::string supported(const engine::Runtimes& runtimes) {
    std::string list;
    for (const auto& language : languages) {
        if (!runtimes.find(language.runtime, "*")) continue;
        list.append(list.empty() ? "'" : ", '").append(language.name).append("'");
    }
    return "[" + list + "]";
}

std::string decode_text(const std::string& base64) {
    auto text = b64decode(base64);
    check_utf8(text);
    return text;
}

// Code and input, which the service refused with one sentence.
std::pair<std::string, std::string> decode_texts(const std::string& code,
                                                 const std::string& input) {
    try {
        return {decode_text(code), decode_text(input)};
    } catch (const sys::Error& error) {
        refuse(std::string{"Invalid base64 encoded code or stdin: "} + error.what());
    }
}

config::Milliseconds time_of(std::optional<std::int64_t> seconds,
                             const config::Base64Jobs& settings) {
    const auto most = std::chrono::duration_cast<std::chrono::seconds>(settings.timeout).count();
    if (!seconds || *seconds <= 0 || *seconds > most) return settings.timeout;
    return std::chrono::seconds{*seconds};
}

std::string seconds_text(config::Milliseconds time) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g", static_cast<double>(time.count()) / 1000);
    return text.data();
}

// Why it was killed, as a line of its own; empty if it was not.
std::string reason(const Outcome& outcome, config::Milliseconds time) {
    constexpr int killed = 137;
    if (outcome.timed_out())
        return "Execution timed out after " + seconds_text(time) + " seconds\n";
    if (!outcome.err.empty()) return {};
    switch (outcome.verdict) {
        case Verdict::out_of_memory:
            return "Execution killed: out of memory\n";
        case Verdict::too_much_stdout:
        case Verdict::too_much_stderr:
            return "Execution killed: too much output\n";
        default:
            return outcome.exit_code == killed ? "Execution killed\n" : "";
    }
}

// A compiler that refused the program; one that was killed is told as a program is.
int exit_code_of(const Outcome& outcome) {
    return !outcome.compiled && outcome.verdict == Verdict::failed ? 1 : outcome.exit_code;
}

std::string compiler_text(Outcome& outcome) {
    // Some compilers complain on their standard output.
    return outcome.err.empty() ? std::exchange(outcome.out, {}) : std::string{};
}

}  // namespace

engine::Job decode_base64_job(const std::string& body, const engine::Runtimes& runtimes,
                              const config::Base64Jobs& settings) {
    FieldReader fields(body, base64_fields);
    const auto name = fields.text("language", Need::required);
    const auto code = fields.text("code", Need::required);
    const auto input = fields.text("stdin", Need::optional);
    const auto timeout = fields.whole_number("timeout");
    fields.finish();

    const auto* const language = std::ranges::find(languages, name, &Language::name);
    const bool is_known = language != std::end(languages);
    auto runtime = is_known ? runtimes.find(language->runtime, "*") : nullptr;
    if (!runtime) refuse("Unsupported language: " + name + ". Supported: " + supported(runtimes));
    auto [source, text] = decode_texts(code, input);
    auto job = job_within(std::move(runtime),
                          {.name = language->file, .content = std::move(source), .is_code = true},
                          {.time = time_of(timeout, settings),
                           .memory = settings.memory,
                           .cpu_percent = settings.cpu_percent,
                           .disk = settings.disk});
    job.stdin_text = std::move(text);
    return job;
}

std::string encode_base64_job(const engine::JobResult& result) {
    auto outcome = outcome_of(result);
    auto err = reason(outcome, result.total_time);
    if (!outcome.compiled) outcome.err += compiler_text(outcome);
    err += outcome.err;
    const bool is_success = outcome.compiled && outcome.verdict == Verdict::passed;
    std::string json = R"({"status":)";
    json += is_success ? R"("success","stdout":)" : R"("failed","stdout":)";
    wire::append_json_text(json, outcome.out);
    json += R"(,"stderr":)";
    wire::append_json_text(json, err);
    std::array<char, 64> time{};
    std::snprintf(time.data(), time.size(), "%.6f",
                  static_cast<double>(outcome.wall_time.count()) / 1e6);
    json.append(R"(,"execution_time":)").append(time.data());
    json += R"(,"exit_code":)" + std::to_string(exit_code_of(outcome));
    return json + '}';
}

}  // namespace dialects
