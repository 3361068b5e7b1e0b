#include "api/wire/form.h"

#include <algorithm>
#include <map>
#include <vector>

#include "api/wire/json_text.h"
#include "isolate/sys/error.h"

namespace wire {

namespace {

constexpr std::size_t most_fields = 1000;
constexpr std::string_view type = "application/x-www-form-urlencoded";

int digit_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string decoded(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escaped = text[i] == '%' && i + 2 < text.size() && digit_of(text[i + 1]) >= 0 &&
                             digit_of(text[i + 2]) >= 0;
        if (escaped) {
            bytes += static_cast<char>(digit_of(text[i + 1]) * 16 + digit_of(text[i + 2]));
            i += 2;
        } else {
            bytes += text[i] == '+' ? ' ' : text[i];
        }
    }
    return bytes;
}

// "args[]" and "args[3]" are elements of "args".
bool take_brackets_off(std::string& name) {
    const auto open = name.rfind('[');
    if (open == std::string::npos || open == 0 || !name.ends_with(']')) return false;
    const auto inner = std::string_view{name}.substr(open + 1, name.size() - open - 2);
    if (!std::ranges::all_of(inner, [](char c) { return c >= '0' && c <= '9'; })) return false;
    name.resize(open);
    return true;
}

struct Values {
    std::vector<std::string> texts;
    bool is_list = false;
};

std::map<std::string, Values> fields_of(std::string_view body) {
    std::map<std::string, Values> fields;
    for (std::size_t count = 0; !body.empty(); ++count) {
        if (count == most_fields) {
            throw sys::Error(sys::Kind::invalid,
                             "a form has at most " + std::to_string(most_fields) + " fields");
        }
        const auto pair = body.substr(0, body.find('&'));
        body.remove_prefix(std::min(pair.size() + 1, body.size()));
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        auto name = decoded(pair.substr(0, equals));
        const bool is_element = take_brackets_off(name);
        auto& values = fields[name];
        values.texts.push_back(decoded(pair.substr(std::min(equals + 1, pair.size()))));
        values.is_list = is_element || values.texts.size() > 1;
    }
    return fields;
}

}  // namespace

bool is_form(std::string_view content_type) {
    const auto name = content_type.substr(0, content_type.find_first_of("; \t"));
    return std::ranges::equal(name, type, {}, [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    });
}

std::string json_of_form(std::string_view body) {
    std::string json = "{";
    for (const auto& [name, values] : fields_of(body)) {
        if (json.size() > 1) json += ',';
        append_json_text(json, name);
        json += values.is_list ? ":[" : ":";
        for (std::size_t i = 0; i < values.texts.size(); ++i) {
            if (i > 0) json += ',';
            append_json_text(json, values.texts[i]);
        }
        if (values.is_list) json += ']';
    }
    return json + '}';
}

}  // namespace wire
