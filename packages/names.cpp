#include "packages/names.h"

#include <algorithm>

#include "packages/version.h"

namespace packages {

namespace {

constexpr std::size_t max_name_length = 214;
constexpr std::size_t max_address_length = 2048;
constexpr std::size_t max_quoted_length = 80;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

bool is_alphanumeric(char c) {
    return is_digit(c) || is_lower(c) || (c >= 'A' && c <= 'Z');
}

bool is_graphic(char c) {
    return c > ' ' && c < '\x7f';
}

// Whether every part between separators passes.
template <typename Check>
bool all_parts(std::string_view text, char separator, Check check) {
    for (;;) {
        const auto end = text.find(separator);
        if (!check(text.substr(0, end))) return false;
        if (end == std::string_view::npos) return true;
        text.remove_prefix(end + 1);
    }
}

}  // namespace

bool is_plain_name(std::string_view text, std::string_view also) {
    return !text.empty() && text.size() <= max_name_length && is_alphanumeric(text.front()) &&
           std::ranges::all_of(text, [&](char c) {
               return is_alphanumeric(c) || also.find(c) != std::string_view::npos;
           });
}

bool is_debian_name(std::string_view text) {
    return text.size() >= 2 && is_plain_name(text, "+.-") && text.back() != '-' &&
           std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_npm_name(std::string_view text) {
    if (!text.starts_with('@')) return is_plain_name(text, "._-");
    const auto slash = text.find('/');
    return slash != std::string_view::npos && text.size() <= max_name_length &&
           is_plain_name(text.substr(1, slash - 1), "._-") &&
           is_plain_name(text.substr(slash + 1), "._-");
}

bool is_pypi_name(std::string_view text) {
    return is_plain_name(text, "._-") && is_alphanumeric(text.back());
}

bool is_maven_group(std::string_view text) {
    return text.size() <= max_name_length &&
           all_parts(text, '.', [](std::string_view part) { return is_plain_name(part, "_-"); });
}

bool is_go_module(std::string_view text) {
    const auto host = text.substr(0, text.find('/'));
    return text.size() <= max_name_length && host.find('.') != std::string_view::npos &&
           all_parts(text, '/', [](std::string_view part) {
               return is_plain_name(part, "._~-") && part.back() != '.';
           });
}

bool is_exact_version(std::string_view text) {
    return is_plain_name(text, ".+-") && is_digit(text.front()) && parse_version(text).has_value();
}

bool is_file_name(std::string_view text) {
    return !text.empty() && text.size() <= max_name_length && text.front() != '.' &&
           text.front() != '-' &&
           std::ranges::all_of(text, [](char c) { return is_graphic(c) && c != '/' && c != '\\'; });
}

bool is_address(std::string_view text) {
    constexpr std::string_view refused = "\"'<>\\^`{|}#";
    const bool clean = text.size() <= max_address_length && std::ranges::all_of(text, [&](char c) {
                           return is_graphic(c) && refused.find(c) == std::string_view::npos;
                       });
    if (!clean) return false;
    if (text.starts_with("file:///")) return true;
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (!text.starts_with(scheme)) continue;
        const auto authority =
            text.substr(scheme.size(), text.find('/', scheme.size()) - scheme.size());
        const auto host = authority.substr(authority.rfind('@') + 1);
        return !host.empty() && (is_alphanumeric(host.front()) || host.front() == '[');
    }
    return false;
}

std::string percent_encoded(std::string_view text, std::string_view keep) {
    constexpr std::string_view unreserved = "-._~";
    constexpr char digits[] = "0123456789ABCDEF";
    std::string result;
    for (const char c : text) {
        if (is_alphanumeric(c) || unreserved.find(c) != std::string_view::npos ||
            keep.find(c) != std::string_view::npos) {
            result += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            result += {'%', digits[byte >> 4], digits[byte & 15]};
        }
    }
    return result;
}

std::string in_quotes(std::string_view text) {
    auto result = '"' + std::string{text.substr(0, max_quoted_length)} + '"';
    std::ranges::replace_if(
        result, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
    return result;
}

std::string without_passwords(std::string_view text) {
    std::string result;
    for (;;) {
        const auto scheme = text.find("://");
        if (scheme == std::string_view::npos) break;
        const auto start = scheme + 3;
        result += text.substr(0, start);
        text.remove_prefix(start);
        // An authority ends at a slash; whatever else may end an address in a message does as well.
        const auto authority = text.substr(0, text.find_first_of("/ \t\r\n\"'<>,"));
        const auto at = authority.rfind('@');
        if (at != std::string_view::npos) text.remove_prefix(at + 1);
    }
    return result += text;
}

}  // namespace packages
