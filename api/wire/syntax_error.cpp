#include "api/wire/syntax_error.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace wire {

namespace {

using Json = nlohmann::json;

// Reads a whole document, keeps nothing of it and remembers where it broke. The parser that serves
// requests is the fast one and does not know; this one runs only after that has refused.
struct Fault final : nlohmann::json_sax<Json> {
    bool found = false;
    std::size_t position = 0;  // bytes read when it broke
    std::string reason;

    bool null() override { return true; }
    bool boolean(bool /*value*/) override { return true; }
    bool number_integer(number_integer_t /*value*/) override { return true; }
    bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
    bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
    bool string(string_t& /*value*/) override { return true; }
    bool binary(binary_t& /*value*/) override { return true; }
    bool start_object(std::size_t /*elements*/) override { return true; }
    bool key(string_t& /*value*/) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t /*elements*/) override { return true; }
    bool end_array() override { return true; }

    bool parse_error(std::size_t bytes, const std::string& /*token*/,
                     const Json::exception& error) override {
        found = true;
        position = bytes;
        reason = reason_in(error.what());
        return false;
    }

    // What remains of "… syntax error while parsing value - <reason>; last read: '<text>'; …": the
    // text is the client's own and may be the whole body.
    static std::string reason_in(std::string_view text) {
        if (const auto dash = text.find(" - "); dash != text.npos) text.remove_prefix(dash + 3);
        text = text.substr(0, text.find("; "));
        constexpr std::size_t longest = 200;
        return std::string(text.substr(0, longest));
    }
};

// Looking for the place is slow, and the client decides how often it happens and in how much text.
constexpr std::size_t max_searched_bytes = 1 << 18;

std::string place_in(std::string_view body, std::size_t bytes_read) {
    const auto before = body.substr(0, bytes_read == 0 ? 0 : bytes_read - 1);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto newline = before.rfind('\n');
    const auto column = 1 + before.size() - (newline == before.npos ? 0 : newline + 1);
    return " at line " + std::to_string(line) + ", column " + std::to_string(column);
}

}  // namespace

SyntaxError unsupported_charset(std::string_view charset) {
    auto sentence = std::string("UnsupportedMediaTypeError: unsupported charset \"");
    return SyntaxError(sentence.append(charset).append("\""));
}

SyntaxError explain_syntax(std::string_view body, std::string_view complaint) {
    Fault fault;
    if (body.size() <= max_searched_bytes) Json::sax_parse(body, &fault);
    if (!fault.found) return SyntaxError("SyntaxError: " + std::string(complaint));
    return SyntaxError("SyntaxError: " + fault.reason + place_in(body, fault.position));
}

}  // namespace wire
