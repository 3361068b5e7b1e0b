#include "packages/manifest.h"

#include "packages/manifest_text.h"

namespace packages {

namespace {

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
    const auto parsed = parse_toml(text, file);
    const auto root = Section{file, parsed};
    root.allow_only(
        {"language", "aliases", "programs", "version", "compile", "run", "environment", "limits"});
    auto manifest = Manifest{
        .language = root.text(root.required("language"), "language"),
        .aliases = root.texts("aliases"),
        .programs = read_programs(root),
        .version = read_version(root.section("version")),
        .compile = {},
        .argv_needs = {},
        .run = read_run(root.section("run")),
        .environment = read_environment(root),
        .limits = {},
    };
    check_names(root, manifest);
    if (root.table.contains("compile")) {
        const auto section = root.section("compile");
        manifest.compile = read_compile(section);
        manifest.argv_needs = section.text_or("argv_needs", "");
    }
    if (root.table.contains("limits")) manifest.limits = read_limits(root.section("limits"));
    return manifest;
}

}  // namespace packages
