#include "api/cli/self_test.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "api/cli/text.h"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* input = "first line\nzwei\n";

std::optional<std::string> expected_output(const std::string& test) {
    if (test == "hello") return "hello\n";
    if (test == "utf8") return "h\u00e9llo \u4e16\u754c \u2603\n";
    if (test == "stdin") return input;
    if (test == "args") return "one\ntwo words\n";
    if (test == "modules") return "hello from a module\n";
    return std::nullopt;
}

// Without what is forgiven.
std::string essence(std::string_view text) {
    std::string result;
    std::size_t end = 0;  // of what is no blank
    for (const char letter : text) {
        if (letter == '\r') continue;
        if (letter == '\n') result.resize(end);
        result += letter;
        if (letter != ' ' && letter != '\t') end = result.size();
    }
    while (!result.empty() &&
           (result.back() == '\n' || result.back() == ' ' || result.back() == '\t'))
        result.pop_back();
    return result;
}

std::string in_quotes(std::string_view text) {
    const auto json = Json(std::string{text});
    return shortened(json.dump(-1, ' ', false, Json::error_handler_t::replace), 120);
}

// A stage as the answer tells it; what is missing or of another type is taken as not said.
struct Stage {
    const Json& json;

    std::string text(const char* key) const {
        const auto found = json.find(key);
        return found != json.end() && found->is_string() ? found->get<std::string>() : "";
    }
    double number(const char* key, double otherwise) const {
        const auto found = json.find(key);
        return found != json.end() && found->is_number() ? found->get<double>() : otherwise;
    }
    bool passed() const { return number("code", -1) == 0; }
    // The program's own doing, not a limit's or the sandbox's.
    bool failed() const {
        const auto status = text("status");
        return status == "RE" || status == "SG";
    }
    std::string code() const {
        const auto found = json.find("code");
        return found == json.end() || found->is_null() ? "no exit code"
                                                       : "exit code " + found->dump();
    }
    // One sentence on how it ended.
    std::string end() const {
        auto message = text("message");
        if (message.empty()) message = "it ended with " + code();
        const auto lines = split(text("stderr"), '\n');
        return lines.empty() ? message : message + "; it said " + in_quotes(lines.front());
    }
};

const Json* stage_of(const Json& answer, const char* name) {
    const auto found = answer.find(name);
    return found != answer.end() && found->is_object() ? &*found : nullptr;
}

Judgement judge_broken(const Json& answer) {
    const auto* compile = stage_of(answer, "compile");
    if (!compile) return {.why = "there was no compile stage"};
    const auto stage = Stage{*compile};
    if (stage.failed()) return {.passed = true, .wall_ms = stage.number("wall_time", 0)};
    return {.why = "the compiler should have refused it: " + stage.end()};
}

Judgement judge_run(const packages::SelfTest& test, const Stage& run) {
    if (test.name == "fails") {
        if (run.failed()) return {.passed = true};
        return {.why = "it should have failed: " + run.end()};
    }
    if (!run.passed()) return {.why = run.end()};
    const auto expected = expected_output(test.name);
    const auto printed = run.text("stdout");
    if (!expected || essence(printed) == essence(*expected)) return {.passed = true};
    return {.why = "it printed " + in_quotes(printed) + " instead of " + in_quotes(*expected)};
}

}  // namespace

std::string request_of(const packages::Provided& provided, const std::string& version,
                       const packages::SelfTest& test) {
    auto request = Json{{"language", provided.language}, {"version", version}};
    request["files"] = Json::array();
    for (const auto& [name, content] : test.files)
        request["files"].push_back({{"name", name}, {"content", content}});
    if (test.name == "stdin") request["stdin"] = input;
    if (test.name == "args") request["args"] = {"one", "two words"};
    return request.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Judgement judge(const packages::SelfTest& test, long status, std::string_view body) {
    const auto answer = Json::parse(body, nullptr, false);
    if (!answer.is_object()) return {.why = "the engine's answer is no JSON object"};
    if (status != 200) {
        const auto message = Stage{answer}.text("message");
        return {.why = "the engine answered " + std::to_string(status) + ": " + message};
    }
    if (test.name == "broken") return judge_broken(answer);
    const auto* compile = stage_of(answer, "compile");
    if (compile && !Stage{*compile}.passed()) return {.why = "compiling: " + Stage{*compile}.end()};
    const auto* run = stage_of(answer, "run");
    if (!run) return {.why = "the engine's answer has no \"run\""};
    auto judgement = judge_run(test, Stage{*run});
    judgement.wall_ms =
        Stage{*run}.number("wall_time", 0) + (compile ? Stage{*compile}.number("wall_time", 0) : 0);
    return judgement;
}

}  // namespace cli
