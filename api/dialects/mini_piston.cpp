#include "api/dialects/mini_piston.h"

#include <utility>

#include "api/dialects/fields.h"
#include "api/dialects/request_fields.h"
#include "api/wire/json_text.h"
#include "api/wire/result.h"
#include "api/wire/syntax_error.h"

namespace dialects {

namespace {

using engine::Verdict;

const std::string& required_text(const Fields& fields, std::string_view name) {
    const auto* const text = std::get_if<std::string>(&fields[name]);
    if (!text) refuse(std::string{name} + " is required as a string");
    return *text;
}

void append_text(std::string& json, std::string_view key, std::string_view text, bool was_cut) {
    json.append(json.ends_with('{') ? "\"" : ",\"").append(key).append("\":");
    wire::append_json_text(json, was_cut ? wire::complete_characters(text) : text);
}

}  // namespace

engine::Job decode_mini_job(const std::string& body, const engine::Runtimes& runtimes) {
    const Fields fields(body, mini_fields);
    if (fields.shape() == Fields::Shape::something_else) {
        throw wire::SyntaxError("SyntaxError: a request must be an object; at line 1, column 1");
    }
    const auto& language = required_text(fields, "language");
    const auto& code = required_text(fields, "code");
    engine::Job job;
    job.runtime = runtimes.find(language, "*");
    if (language.empty()) refuse("language is required as a string");
    if (!job.runtime) refuse("language " + language + " is unknown");
    job.limits = job.runtime->limits;
    job.files = {{.name = "file0.code", .content = code, .is_code = true}};
    job.stdin_text = text_or_empty(fields, "stdin");
    return job;
}

std::string encode_mini_job(const engine::JobResult& result) {
    const auto& stage = result.run ? *result.run : *result.compile;
    const auto& output = stage.output;
    const auto ending = wire::ending_of(stage);
    const bool cut_out = stage.verdict == Verdict::too_much_stdout;
    const bool cut_err = stage.verdict == Verdict::too_much_stderr;
    const auto& alone = output.out.empty() ? output.err : output.out;
    std::string json = R"({"language":)";
    wire::append_json_text(json, result.runtime->language);
    json += R"(,"run":{)";
    append_text(json, "stdout", output.out, cut_out);
    append_text(json, "stderr", output.err, cut_err);
    append_text(json, "output", output.both.empty() ? alone : output.both, cut_out || cut_err);
    json += R"(,"code":)" + (ending.code ? std::to_string(*ending.code) : "null");
    json += R"(,"signal":)";
    if (ending.signal.empty()) return json + "null}}";
    wire::append_json_text(json, ending.signal);
    return json + "}}";
}

}  // namespace dialects
