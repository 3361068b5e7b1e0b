// toml++ gives syntax errors as values here, with the place they are at. Its assertions stay off
// even in debug builds: some of them fail on malformed headers that the check behind them reports
// properly.
#define TOML_EXCEPTIONS 0
#define TOML_ASSERT(condition) static_assert(true)
#undef NDEBUG
#include "packages/manifest.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <span>

#include "isolate/sys/error.h"

namespace packages {

namespace {

// Far beyond any sensible manifest. toml++ walks nested tables recursively, and the shortest key
// that nests one deeper takes two bytes: this much fits any stack.
constexpr std::size_t max_manifest_bytes = 16'384;

using Names = std::initializer_list<std::string_view>;

constexpr std::string_view filled_when_found[] = {"{program}", "{directory}", "{major}", "{minor}"};
constexpr std::string_view filled_by_engine[] = {"{main}", "{files}", "{args}"};

bool among(std::span<const std::string_view> names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
}

[[noreturn]] void refuse(const std::string& file, std::ptrdiff_t line, const std::string& why) {
    throw sys::Error(sys::Kind::invalid, file + ":" + std::to_string(line) + ": " + why);
}

// A table of the file, and the words to refuse what stands in it.
struct Section {
    const std::string& file;
    const toml::table& table;

    [[noreturn]] void refuse(const toml::source_region& place, const std::string& why) const {
        packages::refuse(file, static_cast<std::ptrdiff_t>(place.begin.line), why);
    }

    void allow_only(Names known) const {
        for (const auto& [key, value] : table) {
            if (!among(known, key.str())) {
                refuse(key.source(), "unknown key \"" + std::string{key.str()} + "\"");
            }
        }
    }

    // The string, which must not hold what no argument, variable or path can.
    std::string text(const toml::node& node, std::string_view key) const {
        const auto* string = node.as_string();
        if (!string) refuse(node.source(), "\"" + std::string{key} + "\" takes text");
        if (string->get().find('\0') != std::string::npos) {
            refuse(node.source(), "\"" + std::string{key} + "\" holds a NUL character");
        }
        return string->get();
    }

    std::string text_or(std::string_view key, const std::string& otherwise) const {
        const auto* node = table.get(key);
        return node ? text(*node, key) : otherwise;
    }

    std::vector<std::string> texts(std::string_view key) const {
        const auto* node = table.get(key);
        if (!node) return {};
        const auto* array = node->as_array();
        if (!array) refuse(node->source(), "\"" + std::string{key} + "\" takes a list of texts");
        std::vector<std::string> result;
        for (const auto& element : *array) result.push_back(text(element, key));
        return result;
    }

    const toml::node& required(std::string_view key) const {
        const auto* node = table.get(key);
        if (!node) refuse(table.source(), "\"" + std::string{key} + "\" is missing");
        return *node;
    }

    Section section(std::string_view key) const {
        const auto& node = required(key);
        const auto* inner = node.as_table();
        if (!inner) refuse(node.source(), "\"" + std::string{key} + "\" takes a table");
        return {file, *inner};
    }
};

bool printable(std::string_view text) {
    return std::ranges::none_of(
        text, [](char byte) { return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f; });
}

// "{word}": something that wants to be a placeholder.
bool looks_like_placeholder(std::string_view text) {
    return text.size() > 2 && text.front() == '{' && text.back() == '}' &&
           std::ranges::all_of(text.substr(1, text.size() - 2),
                               [](char letter) { return letter >= 'a' && letter <= 'z'; });
}

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

Script read_stage(const Section& section, Names allowed) {
    section.allow_only({"argv", "script"});
    auto stage = Script{.argv = read_argv(section, "argv", allowed), .text = read_script(section)};
    if (stage.argv.empty() && stage.text.empty()) {
        section.refuse(section.table.source(), R"(a stage needs "argv" or "script")");
    }
    if (!stage.argv.empty() && stage.argv.front().empty()) {
        section.refuse(section.required("argv").source(), R"("argv" names no program)");
    }
    return stage;
}

VersionQuestion read_version(const Section& section) {
    section.allow_only({"ask", "after"});
    const auto& node = section.required("ask");
    auto question = VersionQuestion{.argv = read_argv(section, "ask", {}),
                                    .after = section.text_or("after", "")};
    const auto& argv = question.argv;
    if (argv.empty() || !(argv[0] == "{program}" || argv[0].starts_with("{directory}/") ||
                          argv[0].starts_with('/'))) {
        section.refuse(node.source(), "\"ask\" starts with {program} or an absolute path");
    }
    return question;
}

std::vector<std::string> read_programs(const Section& section) {
    const auto& node = section.required("programs");
    auto programs = section.texts("programs");
    if (programs.empty()) section.refuse(node.source(), "\"programs\" is empty");
    for (const auto& program : programs) {
        const bool bare_name = !program.empty() && program.find('/') == std::string::npos;
        const bool beneath_usr =
            program.starts_with("/usr/") && program.find("/../") == std::string::npos;
        if (!bare_name && !beneath_usr) {
            section.refuse(node.source(),
                           "\"" + program + "\" is neither a name nor a path beneath /usr");
        }
    }
    return programs;
}

bool is_variable(std::string_view entry) {
    const auto name = entry.substr(0, entry.find('='));
    const auto allowed = [](char c) {
        return c == '_' || std::isalnum(static_cast<unsigned char>(c)) != 0;
    };
    return name.size() < entry.size() && !name.empty() && std::ranges::all_of(name, allowed) &&
           std::isdigit(static_cast<unsigned char>(name[0])) == 0;
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

void check_names(const Section& root, const Manifest& manifest) {
    if (manifest.language.empty() || !printable(manifest.language)) {
        root.refuse(root.required("language").source(), "\"language\" is not a name");
    }
    for (const auto& alias : manifest.aliases) {
        if (alias.empty() || !printable(alias)) {
            root.refuse(root.required("aliases").source(), "\"aliases\" holds what is not a name");
        }
    }
}

}  // namespace

Manifest parse_manifest(std::string_view text, const std::string& file) {
    if (text.size() > max_manifest_bytes) refuse(file, 1, "a manifest of more than 16 KiB");
    // toml++ 3.3 promises the compiler things about letters outside quotes that most letters break.
    const auto beyond_ascii = std::ranges::find_if(
        text, [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; });
    if (beyond_ascii != text.end()) {
        refuse(file, 1 + std::count(text.begin(), beyond_ascii, '\n'),
               "a manifest is ASCII; write other characters as \\uXXXX");
    }
    const auto parsed = toml::parse(text, file);
    if (!parsed) {
        const auto& error = parsed.error();
        refuse(file, static_cast<std::ptrdiff_t>(error.source().begin.line),
               std::string{error.description()});
    }
    const auto root = Section{file, parsed.table()};
    root.allow_only(
        {"language", "aliases", "programs", "version", "compile", "run", "environment", "limits"});
    auto manifest = Manifest{
        .language = root.text(root.required("language"), "language"),
        .aliases = root.texts("aliases"),
        .programs = read_programs(root),
        .version = read_version(root.section("version")),
        .compile = {},
        .run = read_stage(root.section("run"), {"{main}", "{args}"}),
        .environment = read_environment(root),
        .limits = {},
    };
    check_names(root, manifest);
    if (root.table.contains("compile")) {
        manifest.compile = read_stage(root.section("compile"), {"{main}", "{files}"});
    }
    if (root.table.contains("limits")) manifest.limits = read_limits(root.section("limits"));
    return manifest;
}

}  // namespace packages
