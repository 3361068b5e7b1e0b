// Piston's environment, for those who come from there: the names, the way numbers are read and the
// wording of what is refused are Piston's, so that a known mistake is recognised.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/limits.h"
#include "config/sources.h"

namespace config {

namespace {

// The digits a text begins with, as strtol(3) takes them: "12abc" is 12. Empty if there are none.
std::optional<long long> leading_number(const std::string& text) {
    char* end = nullptr;
    const auto number = std::strtoll(text.c_str(), &end, 10);
    if (end == text.c_str()) return std::nullopt;
    return number;
}

// The leading number. The context begins the complaint if there is none.
long long number_of(const std::string& raw, const std::string& origin,
                    const std::string& context = "") {
    const auto number = leading_number(raw);
    const auto name = raw.empty() ? "an empty text" : printable(raw);
    if (!number) refuse(origin, context + name + " is not a number");
    return *number;
}

std::string log_level(const std::string& raw, const std::string& origin) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 5> levels{{
        {"DEBUG", "debug"},
        {"INFO", "info"},
        {"WARN", "warn"},
        {"ERROR", "error"},
        {"NONE", "none"},
    }};
    for (const auto& [theirs, ours] : levels) {
        if (raw == theirs) return std::string(ours);
    }
    refuse(origin, "Log level " + printable(raw) + " does not exist");
}

// The value in the words of our own variable; empty if it means "as it is".
std::optional<std::string> translated(const std::string& name, const std::string& raw,
                                      const std::string& origin) {
    const bool is_text = name == "PISTON_BIND_ADDRESS" || name == "PISTON_DATA_DIRECTORY" ||
                         name == "PISTON_REPO_URL";
    if (is_text) return raw;
    if (name == "PISTON_LOG_LEVEL") return log_level(raw, origin);

    const auto number = number_of(raw, origin);
    if (name == "PISTON_MAX_CONCURRENT_JOBS" && number <= 0) {
        refuse(origin, std::to_string(number) + " cannot be negative, nor zero");
    }
    if (number == 0) return std::nullopt;
    return std::to_string(number);
}

struct WithoutEffect {
    const char* name;
    bool is_number;
    const char* why;
};

constexpr WithoutEffect without_effect[] = {
    {"PISTON_RUNNER_UID_MIN", true, "ids of jobs begin at pool.first_uid"},
    {"PISTON_RUNNER_UID_MAX", true, "ids of jobs begin at pool.first_uid"},
    {"PISTON_RUNNER_GID_MIN", true, "ids of jobs begin at pool.first_uid"},
    {"PISTON_RUNNER_GID_MAX", true, "ids of jobs begin at pool.first_uid"},
};

void check_unused(const Sources& sources, std::vector<std::string>& notes) {
    for (const auto& [name, is_number, why] : without_effect) {
        const auto raw = variable(sources, name);
        if (!raw) continue;
        if (is_number) number_of(*raw, std::string("environment ") + name);
        notes.push_back(std::string(name) + " has no effect: " + why);
    }
    const auto disabled = variable(sources, "PISTON_DISABLE_NETWORKING");
    if (disabled && *disabled != "true") {
        refuse("environment PISTON_DISABLE_NETWORKING",
               in_quotes(*disabled) +
                   " asks for a network, which jobs never have; set it to "
                   "\"true\" or leave it out");
    }
}

}  // namespace

FromPiston read_piston(const Sources& sources, const std::vector<Knob>& knobs) {
    auto result = FromPiston{};
    for (const auto& knob : knobs) {
        if (knob.piston.empty()) continue;
        const auto raw = variable(sources, knob.piston);
        if (!raw) continue;

        const auto origin = "environment " + knob.piston;
        if (auto text = translated(knob.piston, *raw, origin)) {
            result.given.push_back({knob.key, std::move(*text), origin});
        } else {
            result.notes.push_back(knob.piston + " is 0 and leaves " + knob.key +
                                   " as it is; -1 would be no limit");
        }
    }
    if (const auto json = variable(sources, "PISTON_LIMIT_OVERRIDES")) {
        std::ranges::move(read_overrides(*json, "environment PISTON_LIMIT_OVERRIDES"),
                          std::back_inserter(result.given));
    }
    check_unused(sources, result.notes);
    return result;
}

std::vector<Given> read_overrides(const std::string& json, const std::string& origin) {
    const auto unusable = [&](const std::string& why) {
        refuse(origin, "Failed to parse the overrides: " + why);
    };
    const auto languages = nlohmann::json::parse(json, nullptr, false);
    if (!languages.is_object()) unusable("this is no JSON object of languages");

    auto given = std::vector<Given>{};
    for (const auto& [language, limits] : languages.items()) {
        if (!limits.is_object()) unusable(in_quotes(language) + " has no object of limits");
        for (const auto& [name, value] : limits.items()) {
            if (!is_limit_override(name)) unusable(in_quotes(name) + " is not a limit");
            auto context = "In overridden option " + name;
            context.append(" for ").append(printable(language)).append(", ");
            const bool readable = value.is_string() || value.is_number_integer();
            if (!readable) refuse(origin, context + "the value is not a whole number");
            const auto raw = value.is_string() ? value.get<std::string>() : value.dump();
            given.push_back({override_key(language, name),
                             std::to_string(number_of(raw, origin, context)), origin});
        }
    }
    return given;
}

}  // namespace config
