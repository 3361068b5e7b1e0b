#include "api/wire/result.h"

#include <algorithm>
#include <cstdint>

#include "api/wire/grading.h"
#include "api/wire/json_text.h"
#include "api/wire/signal_name.h"

namespace wire {

namespace {

using engine::StageResult;
using engine::Verdict;

std::string exited_with(const StageResult& stage) {
    return "Exited with error status " + std::to_string(stage.exit_code.value_or(0));
}

std::string caught(const StageResult& stage) {
    return "Caught fatal signal " + std::to_string(stage.signal.value_or(0));
}

std::string_view name_of_signal(const StageResult& stage) {
    return stage.signal ? signal_name(*stage.signal).value_or("") : "";
}

// Memory often runs out in a child of the program, which may then still end as it likes.
Ending out_of_memory(const StageResult& stage) {
    const std::string message = "Memory limit exceeded";
    if (stage.signal) return {{}, name_of_signal(stage), "SG", message + ": " + caught(stage)};
    if (!stage.exit_code) return {{}, "SIGKILL", "SG", message};
    if (*stage.exit_code == 0) return {0, "", "", message + ": a process was killed"};
    return {stage.exit_code, "", "RE", message + ": " + exited_with(stage)};
}

// Milliseconds with the microseconds as a fraction: 12, 0.5, 3.042.
void append_milliseconds(std::string& to, std::chrono::microseconds time) {
    const auto count = std::max<std::int64_t>(time.count(), 0);
    to += std::to_string(count / 1000);
    if (count % 1000 == 0) return;
    auto fraction = std::to_string(1000 + count % 1000);
    fraction.front() = '.';
    to.append(fraction, 0, fraction.find_last_not_of('0') + 1);
}

void append_text_or_null(std::string& to, std::string_view text) {
    text.empty() ? void(to += "null") : append_json_text(to, text);
}

// The three texts of a stage; a stream that its limit cut ends on a whole character.
struct Texts {
    std::string_view out, err, both;
};

Texts texts_of(const StageResult& stage) {
    const bool out_was_cut = stage.verdict == Verdict::too_much_stdout;
    const bool err_was_cut = stage.verdict == Verdict::too_much_stderr;
    const auto cut = [](std::string_view bytes, bool was_cut) {
        return was_cut ? complete_characters(bytes) : bytes;
    };
    Texts texts{cut(stage.output.out, out_was_cut), cut(stage.output.err, err_was_cut),
                cut(stage.output.both, out_was_cut || err_was_cut)};
    if (texts.both.empty()) texts.both = texts.out.empty() ? texts.err : texts.out;
    return texts;
}

std::size_t expected_size(const StageResult& stage) {
    constexpr std::size_t keys_and_numbers = 512;
    const auto& output = stage.output;
    const auto text = output.out.size() + output.err.size() +
                      std::max(output.both.size(), output.out.size() + output.err.size());
    // Twice, in case every byte is a newline; pages that are not needed are never touched.
    return 2 * text + keys_and_numbers;
}

// A piece of the answer that may have to be said twice; copying is cheaper than escaping.
struct Piece {
    std::size_t begin, size;
};

Piece append_and_mark(std::string& to, std::string_view text) {
    const auto begin = to.size();
    append_json_text(to, text);
    return {begin, to.size() - begin};
}

void append_again(std::string& to, Piece piece) {
    to.append(to, piece.begin, piece.size);
}

void append_stage(std::string& to, const StageResult& stage) {
    const auto ending = ending_of(stage);
    const auto texts = texts_of(stage);

    to += R"({"signal":)";
    append_text_or_null(to, ending.signal);
    to += R"(,"stdout":)";
    const auto out = append_and_mark(to, texts.out);
    to += R"(,"stderr":)";
    const auto err = append_and_mark(to, texts.err);
    to += R"(,"code":)";
    to += ending.code ? std::to_string(*ending.code) : "null";
    to += R"(,"output":)";
    if (texts.both == texts.out) {
        append_again(to, out);
    } else if (texts.both == texts.err) {
        append_again(to, err);
    } else {
        append_json_text(to, texts.both);
    }
    to += R"(,"memory":)" + std::to_string(stage.memory.count);
    to += R"(,"message":)";
    append_text_or_null(to, ending.message);
    to += R"(,"status":)";
    append_text_or_null(to, ending.status);
    to += R"(,"cpu_time":)";
    append_milliseconds(to, stage.cpu_time);
    to += R"(,"wall_time":)";
    append_milliseconds(to, stage.wall_time);
    to += '}';
}

}  // namespace

Ending ending_of(const StageResult& stage) {
    switch (stage.verdict) {
        case Verdict::passed:
            return {0, "", "", ""};
        case Verdict::failed:
            return {stage.exit_code, "", "RE", exited_with(stage)};
        case Verdict::signaled:
            return {{}, name_of_signal(stage), "SG", caught(stage)};
        case Verdict::wall_timed_out:
            return {{}, "SIGKILL", "TO", "Time limit exceeded (wall clock)"};
        case Verdict::cpu_timed_out:
            return {{}, "SIGKILL", "TO", "Time limit exceeded"};
        case Verdict::out_of_memory:
            return out_of_memory(stage);
        case Verdict::too_much_stdout:
            return {{}, "SIGKILL", "OL", "stdout length exceeded"};
        case Verdict::too_much_stderr:
            return {{}, "SIGKILL", "EL", "stderr length exceeded"};
        case Verdict::canceled:
            return {{}, "SIGKILL", "SG", "Canceled"};
        case Verdict::broken:
            return {{}, "", "XX", stage.message.empty() ? "The sandbox failed" : stage.message};
    }
    __builtin_unreachable();
}

std::string message_field(std::string_view message) {
    std::string json = R"(,"message":)";
    append_text_or_null(json, message);
    return json;
}

std::string ending_fields(const StageResult& stage, std::string_view message) {
    const auto ending = ending_of(stage);
    std::string json = R"("code":)" + (ending.code ? std::to_string(*ending.code) : "null");
    json += R"(,"signal":)";
    append_text_or_null(json, ending.signal);
    json += R"(,"status":)";
    append_text_or_null(json, ending.status);
    json += message_field(message.empty() ? std::string_view{ending.message} : message);
    json += R"(,"cpu_time":)";
    append_milliseconds(json, stage.cpu_time);
    json += R"(,"wall_time":)";
    append_milliseconds(json, stage.wall_time);
    return json + R"(,"memory":)" + std::to_string(stage.memory.count);
}

std::string encode(const StageResult& stage) {
    std::string json;
    json.reserve(expected_size(stage));
    append_stage(json, stage);
    return json;
}

std::string encode(const engine::JobResult& result) {
    std::string json;
    json.reserve((result.compile ? 2 * expected_size(*result.compile) : 0) +
                 (result.run ? expected_size(*result.run) : 0));
    json += '{';
    Piece compile{};
    if (result.compile) {
        json += R"("compile":)";
        compile.begin = json.size();
        append_stage(json, *result.compile);
        compile.size = json.size() - compile.begin;
        json += ',';
    }
    json += R"("run":)";
    if (result.run) {
        append_stage(json, *result.run);
    } else if (result.compile) {
        append_again(json, compile);
    } else {
        StageResult nothing;
        nothing.verdict = Verdict::broken;
        append_stage(json, nothing);
    }
    json += R"(,"language":)";
    append_json_text(json, result.runtime->language);
    json += R"(,"version":)";
    append_json_text(json, result.runtime->version);
    json += grading_fields(result);
    json += '}';
    return json;
}

}  // namespace wire
