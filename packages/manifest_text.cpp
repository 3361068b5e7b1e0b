#include "packages/manifest_text.h"

#include <algorithm>
#include <cctype>
#include <span>
#include <utility>

#include "isolate/sys/error.h"

namespace packages {

namespace {

// Far beyond any sensible manifest. toml++ walks nested tables recursively, and the shortest key
// that nests one deeper takes two bytes: this much fits any stack.
constexpr std::size_t max_manifest_bytes = 16'384;

constexpr std::string_view filled_when_found[] = {"{program}", "{directory}", "{major}", "{minor}"};
constexpr std::string_view filled_by_engine[] = {"{main}", "{files}", "{args}"};

bool among(std::span<const std::string_view> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

[[noreturn]] void refuse(const std::string& file, std::ptrdiff_t line, const std::string& why) {
    throw sys::Error(sys::Kind::invalid, file + ":" + std::to_string(line) + ": " + why);
}

}  // namespace

void Section::refuse(const toml::source_region& place, const std::string& why) const {
    packages::refuse(file, static_cast<std::ptrdiff_t>(place.begin.line), why);
}

void Section::allow_only(Names known) const {
    for (const auto& [key, value] : table) {
        if (!among(known, key.str())) {
            refuse(key.source(), "unknown key \"" + std::string{key.str()} + "\"");
        }
    }
}

std::string Section::text(const toml::node& node, std::string_view key) const {
    const auto* string = node.as_string();
    if (!string) refuse(node.source(), "\"" + std::string{key} + "\" takes text");
    if (string->get().find('\0') != std::string::npos) {
        refuse(node.source(), "\"" + std::string{key} + "\" holds a NUL character");
    }
    return string->get();
}

std::string Section::text_or(std::string_view key, const std::string& otherwise) const {
    const auto* node = table.get(key);
    return node ? text(*node, key) : otherwise;
}

std::string Section::required_text(std::string_view key) const {
    return text(required(key), key);
}

std::vector<std::string> Section::texts(std::string_view key) const {
    const auto* node = table.get(key);
    if (!node) return {};
    const auto* array = node->as_array();
    if (!array) refuse(node->source(), "\"" + std::string{key} + "\" takes a list of texts");
    std::vector<std::string> result;
    for (const auto& element : *array) result.push_back(text(element, key));
    return result;
}

const toml::node& Section::required(std::string_view key) const {
    const auto* node = table.get(key);
    if (!node) refuse(table.source(), "\"" + std::string{key} + "\" is missing");
    return *node;
}

Section Section::section(std::string_view key) const {
    const auto& node = required(key);
    const auto* inner = node.as_table();
    if (!inner) refuse(node.source(), "\"" + std::string{key} + "\" takes a table");
    return {file, *inner};
}

std::vector<Section> Section::sections(std::string_view key) const {
    const auto* node = table.get(key);
    if (!node) return {};
    const auto* array = node->as_array();
    if (!array) refuse(node->source(), "write [[" + std::string{key} + "]]");
    std::vector<Section> result;
    for (const auto& element : *array) {
        const auto* inner = element.as_table();
        if (!inner) refuse(element.source(), "\"" + std::string{key} + "\" takes tables");
        result.push_back({file, *inner});
    }
    return result;
}

bool printable(std::string_view text) {
    return std::ranges::none_of(
        text, [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; });
}

namespace {

// "{word}": something that wants to be a placeholder.
bool looks_like_placeholder(std::string_view text) {
    return text.size() > 2 && text.front() == '{' && text.back() == '}' &&
           std::ranges::all_of(text.substr(1, text.size() - 2),
                               [](char letter) { return letter >= 'a' && letter <= 'z'; });
}

}  // namespace

std::vector<std::string> read_argv(const Section& section, std::string_view key, Names allowed) {
    auto argv = section.texts(key);
    const auto refuse = [&](const std::string& why) {
        section.refuse(section.required(key).source(), why);
    };
    for (const auto& element : argv) {
        const bool known = among(filled_when_found, element) || among(allowed, element);
        if (looks_like_placeholder(element) && !known) {
            refuse("\"" + element + "\" means nothing here");
        }
        for (const auto whole : filled_by_engine) {
            if (element != whole && element.find(whole) != std::string::npos) {
                refuse("\"" + std::string{whole} + "\" must be an argument of its own");
            }
        }
    }
    return argv;
}

namespace {

// In a shell script "${program}" would read as a variable and become "$/usr/bin/…".
std::string read_script(const Section& section) {
    auto script = section.text_or("script", "");
    for (const auto placeholder : filled_when_found) {
        const auto variable = "$" + std::string{placeholder};
        if (script.find(variable) != std::string::npos) {
            section.refuse(section.required("script").source(),
                           "\"" + variable + "\" is a placeholder, not a variable");
        }
    }
    return script;
}

Warm::Kind read_kind(const Section& section) {
    const auto kind = section.required_text("kind");
    if (kind == "none") return Warm::Kind::none;
    if (kind == "gate") return Warm::Kind::gate;
    if (kind == "zygote") return Warm::Kind::zygote;
    section.refuse(section.required("kind").source(), R"("kind" is "none", "gate" or "zygote")");
}

// As long as the engine's own may be set.
std::chrono::seconds read_max_age(const Section& section) {
    const auto* node = section.table.get("max_age");
    if (!node) return {};
    const auto* number = node->as_integer();
    if (!number || number->get() < 1 || number->get() > 3600)
        section.refuse(node->source(), "\"max_age\" takes whole seconds from 1 to 3600");
    return std::chrono::seconds{number->get()};
}

config::Bytes read_private(const Section& section) {
    if (!section.table.contains("private")) return {};
    const auto size = config::parse_bytes(section.required_text("private"));
    if (!size || *size == config::unlimited_bytes)
        section.refuse(section.required("private").source(),
                       R"("private" takes a size such as "3 MiB")");
    return *size;
}

// "cache = true", or what a file must not hold for it.
std::optional<std::vector<std::string>> read_cache(const Section& section) {
    const bool has_texts = section.table.contains("cache_unless");
    auto texts = section.texts("cache_unless");
    const bool has_empty = std::ranges::any_of(texts, &std::string::empty);
    if (has_empty) {
        section.refuse(section.required("cache_unless").source(), "an empty text is in every file");
    }
    const auto* const cache = section.table.get("cache");
    if (cache && (!cache->is_boolean() || has_texts)) {
        section.refuse(cache->source(), R"("cache" is true or false, without "cache_unless")");
    }
    if (!has_texts && !(cache && cache->as_boolean()->get())) return std::nullopt;
    return texts;
}

bool is_variable(std::string_view entry) {
    const auto name = entry.substr(0, entry.find('='));
    const auto allowed = [](char c) {
        return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
    };
    return name.size() < entry.size() && !name.empty() && std::ranges::all_of(name, allowed) &&
           std::isdigit(static_cast<unsigned char>(name[0])) == 0;
}

Warm read_warm(const Section& section) {
    section.allow_only({"kind", "prime", "primed_by", "max_age", "private"});
    auto warm = Warm{.kind = read_kind(section),
                     .prime = section.text_or("prime", ""),
                     .primed_by = section.text_or("primed_by", ""),
                     .max_age = read_max_age(section),
                     .memory = read_private(section)};
    const bool names_it =
        is_variable(warm.primed_by) && warm.primed_by.find("{prime}") != std::string::npos;
    if (names_it == warm.prime.empty() || warm.prime.empty() != warm.primed_by.empty())
        section.refuse(
            section.table.source(),
            R"("prime" and a "primed_by" of the form KEY=value with {prime} need each other)");
    return warm;
}

Script read_stage(const Section& section, Names allowed) {
    auto stage = Script{
        .argv = read_argv(section, "argv", allowed), .text = read_script(section), .warm = {}};
    if (stage.argv.empty() && stage.text.empty()) {
        section.refuse(section.table.source(), R"(a stage needs "argv" or "script")");
    }
    if (!stage.argv.empty() && stage.argv.front().empty()) {
        section.refuse(section.required("argv").source(), R"("argv" names no program)");
    }
    if (!section.table.contains("warm")) return stage;
    stage.warm = read_warm(section.section("warm"));
    if (stage.argv.empty() && stage.warm.kind != Warm::Kind::none)
        section.refuse(section.required("warm").source(), R"("warm" needs a stage with "argv")");
    return stage;
}

}  // namespace

Script read_compile(const Section& section) {
    section.allow_only({"argv", "script", "cache", "cache_unless", "warm", "argv_needs"});
    auto stage = read_stage(section, {"{main}", "{files}"});
    if (section.table.contains("argv_needs") && (stage.argv.empty() || stage.text.empty()))
        section.refuse(section.required("argv_needs").source(),
                       R"("argv_needs" is for a stage with "argv" and "script")");
    stage.cache_unless = read_cache(section);
    if (stage.warm.kind == Warm::Kind::zygote)
        section.refuse(section.required("warm").source(), "a compiler is started, never forked");
    return stage;
}

Script read_run(const Section& section) {
    section.allow_only({"argv", "script", "warm"});
    return read_stage(section, {"{main}", "{args}"});
}

std::vector<std::string> read_environment(const Section& section) {
    auto environment = section.texts("environment");
    for (const auto& entry : environment) {
        if (!is_variable(entry)) {
            section.refuse(section.required("environment").source(),
                           "\"" + entry + "\" is not of the form KEY=value");
        }
    }
    return environment;
}

config::LimitOverrides read_limits(const Section& section) {
    config::LimitOverrides limits;
    for (const auto& [key, value] : section.table) {
        const auto name = std::string{key.str()};
        if (!config::is_limit_override(name)) {
            section.refuse(key.source(), "unknown limit \"" + name + "\"");
        }
        const auto* number = value.as_integer();
        if (!number || number->get() < -1) {
            section.refuse(value.source(),
                           "\"" + name + "\" takes a whole number, -1 for unlimited");
        }
        limits[name] = number->get();
    }
    return limits;
}

toml::table parse_toml(std::string_view text, const std::string& file) {
    if (text.size() > max_manifest_bytes) refuse(file, 1, "a manifest of more than 16 KiB");
    // toml++ 3.3 promises the compiler things about letters outside quotes that most letters break.
    const auto beyond_ascii = std::ranges::find_if(
        text, [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; });
    if (beyond_ascii != text.end()) {
        refuse(file, 1 + std::count(text.begin(), beyond_ascii, '\n'),
               "a manifest is ASCII; write other characters as \\uXXXX");
    }
    auto parsed = toml::parse(text, file);
    if (!parsed) {
        const auto& error = parsed.error();
        refuse(file, static_cast<std::ptrdiff_t>(error.source().begin.line),
               std::string{error.description()});
    }
    return std::move(parsed).table();
}

}  // namespace packages
