#include "api/cli/run/transcript.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "api/cli/failure.h"
#include "api/cli/text.h"
#include "isolate/sys/error.h"

namespace cli {

// One JSON object of the engine's.
struct Transcript::Facts {
    nlohmann::json json;

    explicit Facts(nlohmann::json value) : json(std::move(value)) {
        if (!json.is_object())
            throw sys::Error(sys::Kind::broken, "what the engine says is no JSON object");
    }
    explicit Facts(std::string_view text) : Facts(nlohmann::json::parse(text, nullptr, false)) {}

    std::string text(const char* key) const {
        const auto found = json.find(key);
        return found != json.end() && found->is_string() ? found->get<std::string>() : "";
    }
    std::optional<int> number(const char* key) const {
        const auto found = json.find(key);
        if (found == json.end() || !found->is_number_integer()) return std::nullopt;
        const auto value = found->get<std::int64_t>();
        if (value < std::numeric_limits<int>::min() || value > std::numeric_limits<int>::max())
            return std::nullopt;
        return static_cast<int>(value);
    }
    std::optional<Facts> object(const char* key) const {
        const auto found = json.find(key);
        if (found == json.end() || !found->is_object()) return std::nullopt;
        return Facts{*found};
    }
    std::string runtime() const { return text("language") + " " + text("version"); }
    Ending ending(Stage stage) const {
        return {.stage = stage,
                .code = number("code"),
                .signal = text("signal"),
                .status = text("status"),
                .message = text("message")};
    }
};

namespace {

Stage stage_called(const std::string& name) {
    return name == "compile" ? Stage::compile : Stage::run;
}

[[noreturn]] void give_up(const std::string& message) {
    throw Failure(ExitCode::failed,
                  message.empty() ? "the engine gave up, and does not say why" : message);
}

}  // namespace

void Transcript::take_event(const Event& event) {
    const Facts facts{std::string_view{event.data}};
    if (event.name == "stdout" || event.name == "stderr")
        return show(event.name, facts.text("data"));
    if (event.name == "runtime") return note(facts.runtime());
    if (event.name == "stage") return begin(facts.text("stage"));
    if (event.name == "exit") return end(facts.ending(stage_called(facts.text("stage"))));
    if (event.name == "error") give_up(printable(facts.text("message")));
}

void Transcript::take_message(std::string_view json) {
    const Facts facts{json};
    const auto type = facts.text("type");
    if (type == "data") return show(facts.text("stream"), facts.text("data"));
    if (type == "runtime") return note(facts.runtime());
    if (type == "stage") return begin(facts.text("stage"));
    if (type == "exit") return end(facts.ending(stage_called(facts.text("stage"))));
    if (type == "error") give_up(printable(facts.text("message")));
}

void Transcript::take_answer(std::string_view json) {
    const Facts facts{json};
    note(facts.runtime());
    for (const auto* name : {"compile", "run"}) {
        const auto stage = facts.object(name);
        if (!stage) continue;
        begin(name);
        show("stdout", stage->text("stdout"));
        show("stderr", stage->text("stderr"));
        end(stage->ending(stage_));
        // Where compiling failed, "run" is a copy of it.
        if (finished()) return;
    }
    throw sys::Error(sys::Kind::broken, "the engine's answer has no \"run\"");
}

void Transcript::begin(const std::string& stage) {
    stage_ = stage_called(stage);
    running_ = stage_ == Stage::run;
    note(stage_ == Stage::run ? "run" : "compile");
}

void Transcript::note(const std::string& text) {
    if (sinks_.note) sinks_.note(printable(text));
}

void Transcript::show(const std::string& stream, std::string_view data) {
    if (data.empty()) return;
    const bool out = stream == "stdout" && stage_ == Stage::run;
    (out ? sinks_.out : sinks_.err)(data);
}

void Transcript::end(const Ending& ending) {
    if (ending.stage == Stage::run || !is_good(ending)) ending_ = ending;
}

}  // namespace cli
