// Piston's environment, for those who come from there: the names, the way numbers are read and the
// wording of what is refused are Piston's, so that a known mistake is recognised.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "config/limits.h"
#include "config/sources.h"

namespace config {

namespace {

// A variable of Piston, with what a complaint about it begins with.
struct Variable {
    std::string name;  // PISTON_RUN_TIMEOUT

    std::string origin() const { return "environment " + name; }

    // run_timeout, as Piston calls the option.
    std::string option() const {
        auto text = name.substr(std::string_view("PISTON_").size());
        std::ranges::transform(text, text.begin(), [](char letter) {
            return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
        });
        return text;
    }

    [[noreturn]] void refuse(const std::string& sentence) const {
        refuse_option(origin(), option(), sentence);
    }
};

// The digits a text begins with, as strtol(3) takes them: "12abc" is 12. Empty if there are none.
std::optional<long long> leading_number(const std::string& text) {
    char* end = nullptr;
    const auto number = std::strtoll(text.c_str(), &end, 10);
    if (end == text.c_str()) return std::nullopt;
    return number;
}

std::string no_number(const std::string& raw) {
    return (raw.empty() ? "an empty text" : printable(raw)) + " is not a number";
}

std::string log_level(const std::string& raw, const Variable& variable) {
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
    variable.refuse("Log level " + printable(raw) + " does not exist");
}

// Piston starts with a directory that is there, or not at all: a name with a mistake in it must not
// become a new and empty one.
void check_directory(const std::string& raw, const Variable& variable) {
    auto error = std::error_code{};
    if (std::filesystem::status(raw, error).type() == std::filesystem::file_type::not_found)
        variable.refuse("Directory " + printable(raw) + " does not exist");
}

// The value in the words of our own variable; empty if it means "as it is".
std::optional<std::string> translated(const Variable& variable, const std::string& raw) {
    const auto& name = variable.name;
    if (name == "PISTON_DATA_DIRECTORY") check_directory(raw, variable);
    const bool is_text = name == "PISTON_BIND_ADDRESS" || name == "PISTON_DATA_DIRECTORY" ||
                         name == "PISTON_REPO_URL";
    if (is_text) return raw;
    if (name == "PISTON_LOG_LEVEL") return log_level(raw, variable);

    const auto number = leading_number(raw);
    if (!number) variable.refuse(no_number(raw));
    if (name == "PISTON_MAX_CONCURRENT_JOBS" && *number <= 0)
        variable.refuse(std::to_string(*number) + " cannot be negative");
    if (*number == 0) return std::nullopt;
    return std::to_string(*number);
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
        if (is_number && !leading_number(*raw)) Variable{name}.refuse(no_number(*raw));
        notes.push_back(std::string(name) + " has no effect: " + why);
    }
    const auto disabled = variable(sources, "PISTON_DISABLE_NETWORKING");
    if (disabled && *disabled != "true") {
        Variable{"PISTON_DISABLE_NETWORKING"}.refuse(
            in_quotes(*disabled) +
            " asks for a network, which jobs never have; set it to \"true\" or leave it out");
    }
}

}  // namespace

FromPiston read_piston(const Sources& sources, const std::vector<Knob>& knobs) {
    auto result = FromPiston{};
    for (const auto& knob : knobs) {
        if (knob.piston.empty()) continue;
        const auto raw = variable(sources, knob.piston);
        if (!raw) continue;

        const auto piston = Variable{knob.piston};
        if (auto text = translated(piston, *raw)) {
            result.given.push_back({knob.key, std::move(*text), piston.origin(), piston.option()});
        } else {
            result.notes.push_back(knob.piston + " is 0 and leaves " + knob.key +
                                   " as it is; -1 would be no limit");
        }
    }
    if (const auto json = variable(sources, "PISTON_LIMIT_OVERRIDES")) {
        const auto piston = Variable{"PISTON_LIMIT_OVERRIDES"};
        std::ranges::move(read_overrides(*json, piston.origin(), piston.option()),
                          std::back_inserter(result.given));
    }
    check_unused(sources, result.notes);
    return result;
}

std::vector<Given> read_port(const Sources& sources, const std::string& listen) {
    const auto port = variable(sources, "PORT");
    // As in JavaScript, where an empty text is as good as none.
    if (!port || port->empty()) return {};
    if (listen == "none") return {};
    return {{"server.listen", listen.substr(0, listen.rfind(':') + 1) + *port, "environment PORT",
             "bind_address"}};
}

std::vector<Given> read_overrides(const std::string& json, const std::string& origin,
                                  const std::string& option) {
    const auto refuse_text = [&](const std::string& sentence) {
        if (option.empty()) refuse(origin, sentence);
        refuse_option(origin, option, sentence);
    };
    const auto unusable = [&](const std::string& why) {
        refuse_text("Failed to parse the overrides: " + why);
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
            if (!readable) refuse_text(context + "the value is not a whole number");
            const auto raw = value.is_string() ? value.get<std::string>() : value.dump();
            const auto number = leading_number(raw);
            if (!number) refuse_text(context + no_number(raw));
            given.push_back(
                {override_key(language, name), std::to_string(*number), origin, option});
        }
    }
    return given;
}

}  // namespace config
