#include "config/rules.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <system_error>

#include "config/network.h"

namespace config {

namespace {

constexpr std::string_view digits = "0123456789";
constexpr std::string_view lower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

bool consists_of(std::string_view text, std::initializer_list<std::string_view> alphabets) {
    return std::ranges::all_of(text, [&](char letter) {
        return std::ranges::any_of(alphabets,
                                   [&](auto set) { return set.find(letter) != set.npos; });
    });
}

bool is_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, port);
    return error == std::errc{} && end == last;
}

bool is_host(std::string_view text) {
    if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
        return consists_of(text.substr(1, text.size() - 2), {digits, "abcdefABCDEF", ":."});
    }
    return !text.empty() && consists_of(text, {digits, lower, upper, ".-_"});
}

}  // namespace

bool is_host_and_port(std::string_view text) {
    const auto colon = text.rfind(':');
    return colon != text.npos && is_host(text.substr(0, colon)) && is_port(text.substr(colon + 1));
}

bool is_host_and_port_or_empty(std::string_view text) {
    return text.empty() || is_host_and_port(text);
}

bool is_empty(std::string_view text) {
    return text.empty();
}

bool is_plain_name(std::string_view text) {
    return !text.empty() && text.size() <= 32 && lower.find(text.front()) != lower.npos &&
           consists_of(text, {digits, lower, upper, "-_"});
}

bool is_absolute_path(std::string_view text) {
    const auto printable = [](char letter) { return letter > ' ' && letter < '\x7f'; };
    return text.starts_with('/') && text.find("..") == text.npos &&
           std::ranges::all_of(text, printable);
}

bool is_absolute_path_or_empty(std::string_view text) {
    return text.empty() || is_absolute_path(text);
}

bool is_absolute_path_or_auto(std::string_view text) {
    return text == "auto" || is_absolute_path(text);
}

bool is_address_or_empty(std::string_view text) {
    if (text.empty()) return true;
    const bool known =
        text.starts_with("https://") || text.starts_with("http://") || text.starts_with("file:///");
    constexpr std::size_t longest = 2048;
    return known && text.size() <= longest &&
           std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_secret_or_empty(std::string_view text) {
    constexpr std::size_t shortest = 24;
    constexpr std::size_t longest = 512;
    const auto plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view{"+/=_-."}.find(c) != std::string_view::npos;
    };
    return text.empty() ||
           (text.size() >= shortest && text.size() <= longest && std::ranges::all_of(text, plain));
}

bool is_origin(std::string_view text) {
    if (text == "*") return true;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!text.starts_with(scheme)) continue;
        text.remove_prefix(scheme.size());
        // A colon that is not of an IPv6 address stands before the port.
        const auto colon = text.ends_with(']') ? text.npos : text.rfind(':');
        const bool has_port = colon != text.npos;
        return is_host(text.substr(0, colon)) && (!has_port || is_port(text.substr(colon + 1)));
    }
    return false;
}

bool is_listen(std::string_view text) {
    return text == "none" || is_host_and_port(text);
}

bool is_mode(std::string_view text) {
    constexpr std::size_t length = 4;
    return text.size() == length && text.starts_with('0') && consists_of(text, {"01234567"});
}

bool is_plain_name_or_empty(std::string_view text) {
    return text.empty() || is_plain_name(text);
}

bool is_origin_or_auto(std::string_view text) {
    return text == "auto" || is_origin(text);
}

bool is_host_name(std::string_view text) {
    if (text == "*" || parse_address(text)) return true;
    constexpr std::size_t longest = 253;
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return text.size() <= longest && !text.starts_with('[') &&
           std::ranges::any_of(text, is_letter) && is_host(text);
}

bool is_key_name(std::string_view text) {
    constexpr std::size_t longest = 64;
    return !text.empty() && text.size() <= longest &&
           consists_of(text, {digits, lower, upper, ".-_@"});
}

bool is_finding(std::string_view text) {
    return !text.empty() && text.size() <= 64 && lower.find(text.front()) != lower.npos &&
           consists_of(text, {digits, lower, "-"});
}

bool is_dialect(std::string_view text) {
    constexpr std::string_view known[] = {"mini-piston", "base64-jobs", "code-executor",
                                          "picobytes"};
    return std::ranges::find(known, text) != std::end(known);
}

bool is_network(std::string_view text) {
    return parse_network(text).has_value();
}

}  // namespace config
