#include "api/dialects/code_executor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "api/dialects/allowance.h"
#include "api/dialects/fields.h"
#include "api/dialects/request_fields.h"
#include "api/wire/json_text.h"
#include "api/wire/syntax_error.h"

namespace dialects {

namespace {

// The service's names of its languages, and ours. The source gets the name it had there.
struct Language {
    std::string_view name, runtime;
    const char* file;
};

constexpr Language languages[] = {
    {"python", "python", "main.py"},
    {"python3", "python", "main.py"},
    {"javascript", "javascript", "main.js"},
    {"js", "javascript", "main.js"},
    {"node", "javascript", "main.js"},
    {"go", "go", "main.go"},
    {"golang", "go", "main.go"},
    {"java", "java", "Main.java"},
    {"c", "c", "main.c"},
    {"cpp", "c++", "main.cpp"},
    {"c++", "c++", "main.cpp"},
    {"rust", "rust", "main.rs"},
    {"ruby", "ruby", "main.rb"},
    {"php", "php", "main.php"},
};

std::string shown(std::string_view text) {
    constexpr std::size_t most = 80;
    return "\"" + std::string{text.substr(0, most)} + (text.size() > most ? "…\"" : "\"");
}

const Language& language_called(std::string_view name) {
    const auto* const found = std::ranges::find(languages, name, &Language::name);
    if (found == std::end(languages)) {
        refuse("language " + shown(name) +
               " is not supported: python, javascript, go, java, c, cpp, rust, ruby or php");
    }
    return *found;
}

// Of a number of the request, 0 standing for the default.
config::Milliseconds time_of(std::int32_t seconds, const config::CodeExecutor& settings) {
    if (seconds < 0) refuse("timeout_seconds must not be negative");
    if (seconds == 0) return std::min(settings.timeout, settings.max_timeout);
    return std::min<config::Milliseconds>(std::chrono::seconds{seconds}, settings.max_timeout);
}

config::Bytes memory_of(std::int64_t mebibytes, const config::CodeExecutor& settings) {
    constexpr std::int64_t most = std::int64_t{1} << 40;  // whose bytes still fit
    if (mebibytes < 0) refuse("memory_limit_mb must not be negative");
    if (mebibytes == 0) return std::min(settings.memory, settings.max_memory);
    const auto bytes = static_cast<std::uint64_t>(std::min(mebibytes, most)) << 20;
    return std::min(config::Bytes{bytes}, settings.max_memory);
}

int percent_of(double processors, const config::CodeExecutor& settings) {
    const auto most = settings.max_cpu_percent;
    const auto within = [most](int percent) {
        if (percent == 0 || most == 0) return std::max(percent, most);
        return std::min(percent, most);
    };
    if (std::isnan(processors) || processors < 0) refuse("cpu_limit must not be negative");
    if (processors == 0) return within(settings.cpu_percent);
    constexpr double largest = 1000;
    return within(std::max(1, static_cast<int>(std::lround(std::min(processors, largest) * 100))));
}

// A whole number, which may be written 30.0; what is beyond is the nearest that fits.
template <typename Number>
Number whole_number(const Fields& fields, std::string_view name) {
    if (!fields.has(name)) return 0;
    const auto& value = fields[name];
    using Limits = std::numeric_limits<Number>;
    if (const auto* const number = std::get_if<std::int64_t>(&value)) {
        return static_cast<Number>(std::clamp<std::int64_t>(*number, Limits::min(), Limits::max()));
    }
    const auto* const number = std::get_if<double>(&value);
    if (!number || std::trunc(*number) != *number)
        refuse(std::string{name} + " must be a whole number");
    // The largest is no double; whatever is as large is the most.
    if (*number >= static_cast<double>(Limits::max())) return Limits::max();
    return static_cast<Number>(std::max(*number, static_cast<double>(Limits::min())));
}

double number(const Fields& fields, std::string_view name) {
    if (!fields.has(name)) return 0;
    const auto& value = fields[name];
    if (const auto* const whole = std::get_if<std::int64_t>(&value))
        return static_cast<double>(*whole);
    const auto* const fraction = std::get_if<double>(&value);
    if (!fraction) refuse(std::string{name} + " must be a number");
    return *fraction;
}

}  // namespace

engine::Job job_of(const CodeExecutorRequest& request, const engine::Runtimes& runtimes,
                   const config::CodeExecutor& settings) {
    if (request.language.empty()) refuse("language is required");
    if (request.code.empty()) refuse("code is required");
    const auto& language = language_called(request.language);
    auto runtime = runtimes.find(language.runtime, "*");
    if (!runtime) refuse("language " + shown(request.language) + " is not installed here");
    const Allowance allowance{.time = time_of(request.timeout_seconds, settings),
                              .memory = memory_of(request.memory_limit_mb, settings),
                              .cpu_percent = percent_of(request.cpu_limit, settings)};
    auto job =
        job_within(std::move(runtime),
                   {.name = language.file, .content = request.code, .is_code = true}, allowance);
    job.stdin_text = request.input;
    return job;
}

CodeExecutorResponse response_of(const engine::JobResult& result) {
    auto outcome = outcome_of(result);
    constexpr std::uint64_t mebibyte = 1 << 20;
    return {
        .stdout = std::move(outcome.out),
        .stderr = std::move(outcome.err),
        .exit_code = outcome.exit_code,
        .timeout = outcome.timed_out(),
        .memory_exceeded = outcome.out_of_memory(),
        .execution_time_ms =
            std::chrono::round<std::chrono::milliseconds>(outcome.wall_time).count(),
        .memory_used_mb = static_cast<std::int64_t>(outcome.memory.count / mebibyte +
                                                    (outcome.memory.count % mebibyte == 0 ? 0 : 1)),
    };
}

CodeExecutorRequest decode_code_executor(const std::string& body) {
    const Fields fields(body, executor_fields);
    if (fields.shape() == Fields::Shape::something_else) {
        throw wire::SyntaxError("SyntaxError: a request must be an object; at line 1, column 1");
    }
    return {
        .language = text_or_empty(fields, "language"),
        .code = text_or_empty(fields, "code"),
        .input = text_or_empty(fields, "input"),
        .timeout_seconds = whole_number<std::int32_t>(fields, "timeout_seconds"),
        .memory_limit_mb = whole_number<std::int64_t>(fields, "memory_limit_mb"),
        .cpu_limit = number(fields, "cpu_limit"),
    };
}

std::string encode(const CodeExecutorResponse& response) {
    const auto boolean = [](bool value) { return value ? "true" : "false"; };
    std::string json = R"({"stdout":)";
    wire::append_json_text(json, response.stdout);
    json += R"(,"stderr":)";
    wire::append_json_text(json, response.stderr);
    json += R"(,"exit_code":)" + std::to_string(response.exit_code);
    json.append(R"(,"timeout":)").append(boolean(response.timeout));
    json.append(R"(,"memory_exceeded":)").append(boolean(response.memory_exceeded));
    json += R"(,"execution_time_ms":)" + std::to_string(response.execution_time_ms);
    json += R"(,"memory_used_mb":)" + std::to_string(response.memory_used_mb);
    return json + '}';
}

wire::Problem code_executor_problem_of(const std::exception& error, std::string_view id) {
    auto problem = wire::problem_of(error, id);
    constexpr int ours = 500;
    const auto text = problem.status >= ours ? "execution failed: internal error " + std::string{id}
                                             : std::string{error.what()};
    problem.body = R"({"error":)";
    wire::append_json_text(problem.body, text);
    problem.body += '}';
    return problem;
}

}  // namespace dialects
