#include "api/wire/facade.h"

#include <algorithm>

#include "api/wire/grading.h"
#include "api/wire/json_text.h"
#include "api/wire/result.h"
#include "isolate/sys/error.h"

namespace wire {

namespace {

constexpr std::size_t v1_text_units = 65536;

void append_key(std::string& to, std::string_view key) {
    to.append(to.ends_with('{') ? "\"" : ",\"").append(key).append("\":");
}

void append_text(std::string& to, std::string_view key, std::string_view text) {
    append_key(to, key);
    append_json_text(to, text);
}

using engine::StageResult;
using engine::Verdict;

// What both stages wrote; the function chooses the stream.
std::string joined(const engine::JobResult& result, std::string_view (*text)(const StageResult&)) {
    std::string both;
    for (const auto* stage : {&result.compile, &result.run}) {
        if (*stage) both += text(**stage);
    }
    std::erase(both, '\r');
    return both;
}

// A stream that its limit cut ends on a whole character.
std::string_view out_of(const StageResult& stage) {
    const std::string_view text = stage.output.out;
    return stage.verdict == Verdict::too_much_stdout ? complete_characters(text) : text;
}

std::string_view err_of(const StageResult& stage) {
    const std::string_view text = stage.output.err;
    return stage.verdict == Verdict::too_much_stderr ? complete_characters(text) : text;
}

// One stream that was written alone is both.
std::string_view both_of(const StageResult& stage) {
    const std::string_view text = stage.output.both;
    if (text.empty()) return stage.output.out.empty() ? err_of(stage) : out_of(stage);
    const bool was_cut =
        stage.verdict == Verdict::too_much_stdout || stage.verdict == Verdict::too_much_stderr;
    return was_cut ? complete_characters(text) : text;
}

bool exited_well(const std::optional<StageResult>& stage) {
    return stage && ending_of(*stage).code == 0;
}

}  // namespace

std::string encode_facade(const engine::JobResult& result) {
    const auto compile = result.compile ? encode(*result.compile) : std::string{};
    std::string json = "{";
    append_text(json, "language", result.runtime->language);
    append_text(json, "version", result.runtime->version);
    append_key(json, "run");
    json += result.run ? encode(*result.run) : compile;
    if (result.compile) {
        append_key(json, "compile");
        json += compile;
    }
    return json + grading_fields(result) + '}';
}

std::string encode_v1(const engine::JobResult& result) {
    const bool ran = (!result.compile || exited_well(result.compile)) && exited_well(result.run);
    std::string json = "{";
    append_key(json, "ran");
    json += ran ? "true" : "false";
    append_text(json, "language", result.runtime->language);
    append_text(json, "version", result.runtime->version);
    append_text(json, "output", first_units(joined(result, both_of), v1_text_units));
    append_text(json, "stdout", first_units(joined(result, out_of), v1_text_units));
    append_text(json, "stderr", first_units(joined(result, err_of), v1_text_units));
    return json + '}';
}

std::string encode_v1_versions(const engine::Runtimes& runtimes) {
    std::string json = "[";
    for (const auto& runtime : runtimes.all) {
        json += json.ends_with('[') ? "{" : ",{";
        append_text(json, "name", runtime->language);
        append_text(json, "version", runtime->version);
        append_key(json, "aliases");
        json += '[';
        for (const auto& alias : runtime->aliases) {
            if (!json.ends_with('[')) json += ',';
            append_json_text(json, alias);
        }
        json += "]}";
    }
    return json + ']';
}

Problem facade_problem_of(const std::exception& error, std::string_view id) {
    auto problem = problem_of(error, id);
    constexpr int ours = 500;
    if (problem.status >= ours)
        problem.body = encode_message("Execution problem: internal error " + std::string(id));
    return problem;
}

}  // namespace wire
