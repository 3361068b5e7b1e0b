#include "api/wire/connect.h"

#include <simdjson.h>

#include <new>
#include <utility>

#include "api/wire/json_text.h"
#include "api/wire/result.h"
#include "api/wire/signal_name.h"
#include "api/wire/surrogates.h"
#include "api/wire/syntax_error.h"
#include "isolate/sys/error.h"

namespace wire {

namespace {

using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t max_depth = 64;
constexpr std::uint64_t largest_window = 10'000;  // rows or columns

[[noreturn]] void refuse(const std::string& sentence) {
    throw sys::Error(sys::Kind::invalid, sentence);
}

std::string_view text_or_nothing(const object& from, std::string_view name) {
    std::string_view text;
    return from[name].get(text) == simdjson::SUCCESS ? text : std::string_view{};
}

std::uint16_t window_size(const object& from, std::string_view name) {
    std::uint64_t size = 0;
    if (from[name].get(size) != simdjson::SUCCESS || size == 0 || size > largest_window) {
        refuse(std::string{name} + " is required as a number from 1 to " +
               std::to_string(largest_window));
    }
    return static_cast<std::uint16_t>(size);
}

isolate::WindowSize window_of(const object& from) {
    return {.rows = window_size(from, "rows"), .columns = window_size(from, "cols")};
}

Init read_init(const object& message) {
    element pty;
    if (message["pty"].get(pty) != simdjson::SUCCESS || pty.is_null()) return {};
    if (bool wanted = false; pty.get(wanted) == simdjson::SUCCESS)
        return wanted ? Init{.terminal = isolate::WindowSize{}} : Init{};
    object size;
    if (pty.get(size) != simdjson::SUCCESS)
        refuse("If specified, pty must be true, false or an object with rows and cols");
    return {.terminal = window_of(size)};
}

Data read_data(const object& message) {
    Data data{.is_stdin = text_or_nothing(message, "stream") == "stdin"};
    bool is_end = false;
    if (message["eof"].get(is_end) == simdjson::SUCCESS) data.is_end = is_end;
    element sent;
    const bool has_data = message["data"].get(sent) == simdjson::SUCCESS;
    if (has_data && sent.is_string()) {
        data.bytes = std::string_view{sent};
    } else if (data.is_stdin && (has_data || !data.is_end)) {
        refuse("data is required as a string");
    }
    return data;
}

}  // namespace

ClientMessage decode_client_message(std::string_view text) {
    simdjson::dom::parser parser;
    if (parser.allocate(256, max_depth) != simdjson::SUCCESS) throw std::bad_alloc();
    element root;
    auto error = parser.parse(text.data(), text.size()).get(root);
    if (error == simdjson::STRING_ERROR) {
        if (const auto mended = without_half_characters(text))
            error = parser.parse(mended->data(), mended->size()).get(root);
    }
    if (error == simdjson::MEMALLOC) throw std::bad_alloc();
    if (error) throw explain_syntax(text, simdjson::error_message(error));
    object message;
    if (root.get(message) != simdjson::SUCCESS) return Ignored{};
    const auto type = text_or_nothing(message, "type");
    if (type == "init") return read_init(message);
    if (type == "data") return read_data(message);
    if (type == "signal") return Signal{signal_number(text_or_nothing(message, "signal"))};
    if (type == "resize") return Resize{window_of(message)};
    return Ignored{};
}

std::string runtime_fields(const engine::Runtime& runtime) {
    std::string json = R"("language":)";
    append_json_text(json, runtime.language);
    json += R"(,"version":)";
    append_json_text(json, runtime.version);
    return json;
}

std::string stage_fields(engine::Stage stage) {
    return stage == engine::Stage::compile ? R"("stage":"compile")" : R"("stage":"run")";
}

std::string data_fields(std::string_view bytes) {
    std::string json = R"("data":)";
    append_json_text(json, bytes);
    return json;
}

std::string exit_fields(engine::Stage stage, const engine::StageResult& result) {
    return stage_fields(stage) + "," + ending_fields(result);
}

std::string error_fields(std::string_view message) {
    std::string json = R"("message":)";
    append_json_text(json, message);
    return json;
}

std::string_view stream_name(engine::Stream stream) {
    return stream == engine::Stream::out ? "stdout" : "stderr";
}

std::string typed_object(std::string_view type, std::string_view fields) {
    std::string json = R"({"type":")";
    json.append(type).append("\"");
    if (!fields.empty()) json.append(",").append(fields);
    return json += '}';
}

std::string CharacterJoiner::take(std::string_view bytes) {
    auto text = std::exchange(rest_, {}).append(bytes);
    const auto whole = complete_characters(text).size();
    rest_ = text.substr(whole);
    text.resize(whole);
    return text;
}

}  // namespace wire
