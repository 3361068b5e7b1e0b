// The kinds of knobs: how a value of each is read, checked, written and described.
//
// For knobs.cpp alone; here so that the table there is a table. Every kind takes the setting's key
// and the member it sets, as at() gives it.
#pragma once

#include <algorithm>
#include <charconv>
#include <iterator>
#include <optional>
#include <system_error>
#include <type_traits>
#include <vector>

#include "config/knobs.h"
#include "config/rules.h"

namespace config::kinds {

template <typename Value>
struct Range {
    Value low, high;
};

template <typename Value>
Range(Value, Value) -> Range<Value>;

// A function from Settings to the member that is reached by the member pointers one after another.
auto at(auto... members) {
    return [=](auto& settings) -> auto& {
        return (settings.*....*members);
    };
}

// How the kinds of value are read and written; the names that differ by type only.

inline bool read(std::string_view text, Bytes& value) {
    const auto parsed = parse_bytes(text);
    value = parsed.value_or(Bytes{});
    return parsed.has_value();
}

inline bool read(std::string_view text, Milliseconds& value) {
    const auto parsed = parse_duration(text);
    value = parsed.value_or(Milliseconds{});
    return parsed.has_value();
}

inline bool read(std::string_view text, int& value) {
    const auto parsed = parse_count(text);
    value = parsed.value_or(0);
    return parsed.has_value();
}

inline bool read(std::string_view text, std::uint32_t& value) {
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, value);
    return error == std::errc{} && end == last;
}

inline std::string written(Bytes value) {
    return to_string(value);
}
inline std::string written(Milliseconds value) {
    return to_string(value);
}
inline std::string written(int value) {
    return to_string(value);
}
inline std::string written(std::uint32_t value) {
    return std::to_string(value);
}

constexpr Form form_of(const Bytes&) {
    return Form::quantity;
}
constexpr Form form_of(const Milliseconds&) {
    return Form::quantity;
}
constexpr Form form_of(const auto&) {
    return Form::number;
}

inline std::string noun(Bytes) {
    return R"(a size such as "64MiB")";
}
inline std::string noun(Milliseconds) {
    return R"(a time such as "3s" or "250ms")";
}
std::string noun(auto) {
    return "a whole number";
}

// A knob whose value lies between two others, both allowed.
template <typename Value>
Knob ranged(const std::string& key, const std::string& piston, auto member, Range<Value> range,
            const std::string& help) {
    return {
        .key = key,
        .piston = piston,
        .help = help,
        .form = form_of(range.low),
        .expects = noun(range.low) + " from " + written(range.low) + " to " + written(range.high),
        .set =
            [=](Settings& settings, std::string_view text) {
                auto value = Value{};
                if (!read(text, value) || value < range.low || value > range.high) return false;
                member(settings) = value;
                return true;
            },
        .get = [=](const Settings& settings) { return written(member(settings)); },
    };
}

struct Rule {
    bool (*accepts)(std::string_view text);
    const char* expects;
};

inline constexpr Rule host_and_port{
    is_host_and_port, "host:port, such as 127.0.0.1:2000, 0.0.0.0:2000 or [::1]:2000"};
inline constexpr Rule listen_address{
    is_listen, "host:port, such as 127.0.0.1:2000, 0.0.0.0:2000 or [::1]:2000, or none"};
#ifdef CRANKCASE_GRPC
inline constexpr Rule grpc_address{is_host_and_port_or_empty,
                                   "host:port, such as 127.0.0.1:50051, or no text at all"};
#else
inline constexpr Rule grpc_address{
    is_empty, "no text: this program was built without gRPC (CMake's CRANKCASE_GRPC)"};
#endif
inline constexpr Rule host_and_port_or_empty{
    is_host_and_port_or_empty, "host:port, such as 127.0.0.1:9464, or no text at all"};
inline constexpr Rule mode{is_mode, "four octal digits such as 0660"};
inline constexpr Rule plain_name_or_empty{is_plain_name_or_empty, "a group's name, or no text"};
inline constexpr Rule plain_name{
    is_plain_name, "at most 32 letters, digits, '-' and '_', beginning with a lower-case letter"};
inline constexpr Rule directory{is_absolute_path, "an absolute path"};
inline constexpr Rule directory_or_empty{is_absolute_path_or_empty,
                                         "an absolute path, or no text at all"};
inline constexpr Rule address_or_empty{
    is_address_or_empty, "an address such as https://mirror.example/npm, or no text at all"};
inline constexpr Rule secret_or_empty{
    is_secret_or_empty, "24 to 512 letters, digits, '+', '/', '=', '_', '-' and '.', or no text"};
inline constexpr Rule origin{is_origin, "origins such as https://play.example, or \"*\" for all"};
inline constexpr Rule origin_or_auto{
    is_origin_or_auto, "origins such as https://play.example, \"*\" for all, or \"auto\""};
inline constexpr Rule host_name{is_host_name,
                                "names or addresses such as code.example, or \"*\" for any"};
inline constexpr Rule network{is_network,
                              "addresses such as 10.0.0.1 or networks such as 10.0.0.0/8"};
inline constexpr Rule dialect{is_dialect,
                              "any of mini-piston, base64-jobs, code-executor and picobytes"};
inline constexpr Rule finding{is_finding, "names such as core-pattern or cve-2022-0847"};
inline constexpr Rule group{is_absolute_path_or_auto,
                            "\"auto\", or a cgroup path that begins with /"};

Knob text(const std::string& key, const std::string& piston, auto member, Rule rule,
          const std::string& help) {
    return {
        .key = key,
        .piston = piston,
        .help = help,
        .form = Form::text,
        .expects = rule.expects,
        .set =
            [=](Settings& settings, std::string_view value) {
                if (!rule.accepts(value)) return false;
                member(settings) = value;
                return true;
            },
        .get = [=](const Settings& settings) { return member(settings); },
    };
}

// "off, local or token".
inline std::string one_of(const std::vector<std::string>& words) {
    auto text = words.front();
    for (std::size_t i = 1; i < words.size(); ++i)
        text.append(i + 1 < words.size() ? ", " : " or ").append(words[i]);
    return text;
}

// A knob whose value is one of some words; the enumerators stand in the order of the words.
Knob choice(const std::string& key, const std::string& piston, auto member,
            const std::vector<std::string>& words, const std::string& help) {
    return {
        .key = key,
        .piston = piston,
        .help = help,
        .form = Form::text,
        .expects = one_of(words),
        .set =
            [=](Settings& settings, std::string_view word) {
                const auto found = std::ranges::find(words, word);
                if (found == words.end()) return false;
                auto& value = member(settings);
                value =
                    static_cast<std::remove_reference_t<decltype(value)>>(found - words.begin());
                return true;
            },
        .get =
            [=](const Settings& settings) {
                return words[static_cast<std::size_t>(member(settings))];
            },
    };
}

Knob yes_or_no(const std::string& key, auto member, const std::string& help) {
    return {
        .key = key,
        .piston = "",
        .help = help,
        .form = Form::text,
        .expects = "yes or no",
        .set =
            [=](Settings& settings, std::string_view word) {
                if (word != "yes" && word != "no") return false;
                member(settings) = word == "yes";
                return true;
            },
        .get =
            [=](const Settings& settings) { return std::string(member(settings) ? "yes" : "no"); },
    };
}

// The parts between commas, without the blanks around them; none of no text at all.
inline std::vector<std::string> parts_of(std::string_view text) {
    auto parts = std::vector<std::string>{};
    while (!text.empty()) {
        const auto comma = std::min(text.find(','), text.size());
        auto part = text.substr(0, comma);
        text.remove_prefix(std::min(comma + 1, text.size()));
        part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
        parts.emplace_back(part.substr(0, part.find_last_not_of(' ') + 1));
    }
    return parts;
}

Knob list(const std::string& key, auto member, Rule rule, const std::string& help) {
    return {
        .key = key,
        .piston = "",
        .help = help,
        .form = Form::list,
        .expects = rule.expects,
        .set =
            [=](Settings& settings, std::string_view text) {
                auto parts = parts_of(text);
                if (!std::ranges::all_of(parts, rule.accepts)) return false;
                member(settings) = std::move(parts);
                return true;
            },
        .get =
            [=](const Settings& settings) {
                auto text = std::string{};
                for (const auto& part : member(settings))
                    text.append(text.empty() ? "" : ", ").append(part);
                return text;
            },
    };
}

}  // namespace config::kinds
