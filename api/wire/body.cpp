#include "api/wire/body.h"

#include <algorithm>
#include <string>

#include "api/wire/syntax_error.h"

namespace wire {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool same(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// The part up to the next semicolon, without the blanks around it; `text` goes on behind it.
std::string_view take_part(std::string_view& text) {
    const auto end = std::min(text.find(';'), text.size());
    const auto part = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return part;
}

std::string_view without_quotes(std::string_view text) {
    const bool is_quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return is_quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace

bool is_json(std::string_view content_type) {
    return same(take_part(content_type), "application/json");
}

void check_charset(std::string_view content_type) {
    take_part(content_type);
    while (!content_type.empty()) {
        const auto part = take_part(content_type);
        const auto equals = part.find('=');
        if (equals == part.npos || !same(trimmed(part.substr(0, equals)), "charset")) continue;
        const auto charset = without_quotes(trimmed(part.substr(equals + 1)));
        if (same(charset, "utf-8") || same(charset, "utf8")) continue;
        constexpr std::size_t longest = 40;
        auto name = std::string(charset.substr(0, longest));
        std::ranges::transform(name, name.begin(), upper);
        throw unsupported_charset(name);
    }
}

}  // namespace wire
