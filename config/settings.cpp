#include "config/settings.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <system_error>

#include "config/knobs.h"
#include "config/sources.h"

namespace config {

namespace {

// The settings while the sources are laid over each other, the least important one first.
class Layers {
public:
    explicit Layers(const std::vector<Knob>& knobs) : knobs_(knobs) {}

    void lay(const std::vector<Given>& source) {
        for (const auto& given : source) {
            if (const auto* knob = find_knob(knobs_, given.key)) {
                set(*knob, given);
            } else {
                set_override(given);
            }
            origins_[given.key] = given.origin;
        }
    }

    // Every job needs a runner. Of the two numbers the one that nobody gave follows the other.
    void match_runners_and_jobs() {
        auto& runners = settings_.pool.runners;
        auto& jobs = settings_.admission.concurrent_jobs;
        if (runners >= jobs) return;
        if (!origins_.contains("pool.runners")) {
            runners = jobs;
            origins_["pool.runners"] = "follows admission.concurrent_jobs";
        } else if (!origins_.contains("admission.concurrent_jobs")) {
            jobs = runners;
            origins_["admission.concurrent_jobs"] = "follows pool.runners";
        } else {
            throw SettingsError(
                "pool.runners is " + std::to_string(runners) + " (" + origin("pool.runners") +
                ") but admission.concurrent_jobs is " + std::to_string(jobs) + " (" +
                origin("admission.concurrent_jobs") +
                "): every job needs a runner, so raise the first or lower the second");
        }
    }

    std::vector<ShownSetting> shown() const {
        auto rows = std::vector<ShownSetting>{};
        for (const auto& knob : knobs_) {
            rows.push_back({knob.key, shown_value(knob, knob.get(settings_)), origin(knob.key),
                            knob.help, knob.reloadable});
        }
        for (const auto& [language, limits] : settings_.limit_overrides) {
            for (const auto& [name, value] : limits) {
                const auto key = override_key(language, name);
                rows.push_back({key, std::to_string(value), origin(key),
                                "Limit of one language, by Piston's name", true});
            }
        }
        return rows;
    }

    const Settings& settings() const { return settings_; }

private:
    void set(const Knob& knob, const Given& given) {
        if (knob.set(settings_, given.text)) return;
        // Refusals are logged; what should be secret stays so even with a mistake in it.
        const auto value = knob.secrecy == Secrecy::open ? in_quotes(given.text) : "what was given";
        refuse_given(given, knob.key + " cannot be " + value + ": it needs " + knob.expects);
    }

    [[noreturn]] static void refuse_given(const Given& given, const std::string& sentence) {
        if (given.option.empty()) refuse(given.origin, sentence);
        refuse_option(given.origin, given.option, sentence);
    }

    void set_override(const Given& given) {
        const auto key = std::string_view(given.key);
        const auto start = overrides_section.size() + 1;
        const auto dot = key.rfind('.');
        // The language may have dots of its own (csharp.net); the name of a limit has none.
        const bool known = key.starts_with(overrides_section) &&
                           key.substr(start - 1).starts_with('.') && dot > start &&
                           is_limit_override(key.substr(dot + 1));
        if (!known) refuse_given(given, "there is no setting " + in_quotes(key));

        std::int64_t value = 0;
        const auto* last = given.text.data() + given.text.size();
        const auto [end, error] = std::from_chars(given.text.data(), last, value);
        if (error != std::errc{} || end != last || value < -1) {
            refuse_given(given, printable(key) + " cannot be " + in_quotes(given.text) +
                                    ": it needs a whole number of milliseconds, bytes or things, "
                                    "or -1 for no limit");
        }
        const auto language = std::string(key.substr(start, dot - start));
        settings_.limit_overrides[language][std::string(key.substr(dot + 1))] = value;
    }

    std::string origin(const std::string& key) const {
        const auto found = origins_.find(key);
        return found == origins_.end() ? "default" : found->second;
    }

    const std::vector<Knob>& knobs_;
    Settings settings_;
    std::map<std::string, std::string> origins_;
};

std::vector<Given> read_flags(const Sources& sources) {
    auto given = std::vector<Given>{};
    for (const auto& [key, value] : sources.flags) {
        given.push_back({key, value, "flag --set " + printable(key)});
    }
    return given;
}

}  // namespace

Loaded load(const Sources& sources) {
    const auto knobs = all_knobs();
    auto piston = read_piston(sources, knobs);

    auto layers = Layers(knobs);
    layers.lay(read_file(sources.file, sources.file_must_exist, knobs));
    layers.lay(read_port(sources, layers.settings().server.listen));
    layers.lay(piston.given);
    layers.lay(read_environment(sources, knobs));
    layers.lay(read_flags(sources));
    layers.match_runners_and_jobs();
    const auto& audit = layers.settings().audit;
    if (audit.required && audit.file.empty())
        throw SettingsError("audit.required is yes, but audit.file names no file to write to");
    return {layers.settings(), layers.shown(), std::move(piston.notes)};
}

Reloaded reloaded(const Settings& current, const Settings& fresh) {
    auto result = Reloaded{.settings = current, .changed = {}, .needs_restart = {}};
    for (const auto& knob : all_knobs()) {
        const auto value = knob.get(fresh);
        if (value == knob.get(current)) continue;
        auto& keys = knob.reloadable ? result.changed : result.needs_restart;
        if (knob.reloadable) knob.set(result.settings, value);
        keys.push_back(knob.key);
    }
    if (fresh.limit_overrides != current.limit_overrides) {
        result.settings.limit_overrides = fresh.limit_overrides;
        result.changed.emplace_back(overrides_section);
    }
    return result;
}

Sources process_sources(const std::string& file,
                        std::vector<std::pair<std::string, std::string>> flags) {
    return {
        .file = file.empty() ? "/etc/crankcase/crankcase.toml" : file,
        .file_must_exist = !file.empty(),
        .variable = [](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            return value ? std::optional<std::string>{value} : std::nullopt;
        },
        .flags = std::move(flags),
    };
}

std::vector<Given> read_environment(const Sources& sources, const std::vector<Knob>& knobs) {
    auto given = std::vector<Given>{};
    const auto take = [&](const std::string& key) {
        const auto name = variable_of(key);
        if (auto text = variable(sources, name)) {
            given.push_back({key, std::move(*text), "environment " + name});
        }
    };
    for (const auto& knob : knobs) take(knob.key);

    const auto name = variable_of(overrides_section);
    if (const auto json = variable(sources, name)) {
        std::ranges::move(read_overrides(*json, "environment " + name, ""),
                          std::back_inserter(given));
    }
    return given;
}

std::optional<std::string> variable(const Sources& sources, const std::string& name) {
    return sources.variable ? sources.variable(name) : std::nullopt;
}

std::string override_key(std::string_view language, std::string_view limit) {
    return std::string(overrides_section).append(".").append(language).append(".").append(limit);
}

std::string printable(std::string_view text) {
    constexpr std::size_t longest = 100;
    auto line = std::string(text.substr(0, longest));
    std::ranges::replace_if(
        line, [](char letter) { return static_cast<unsigned char>(letter) < ' ' || letter == 127; },
        '?');
    return text.size() > longest ? line + "..." : line;
}

std::string in_quotes(std::string_view text) {
    return std::string(1, '"').append(printable(text)).append(1, '"');
}

void refuse(const std::string& origin, const std::string& sentence) {
    throw SettingsError(origin + ": " + sentence);
}

void refuse_option(const std::string& origin, const std::string& option,
                   const std::string& sentence) {
    throw PistonSettingsError(origin + ": Config option " + option +
                              " failed validation: " + sentence);
}

}  // namespace config
