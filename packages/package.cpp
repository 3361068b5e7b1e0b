#include "packages/package.h"

#include <algorithm>
#include <array>
#include <utility>

#include "packages/manifest_text.h"
#include "packages/version.h"

namespace packages {

namespace {

constexpr std::size_t longest_name = 64;

struct KindName {
    const char* name;
    Source::Kind kind;
};
constexpr std::array kinds{
    KindName{"debian", Source::Kind::debian}, KindName{"npm", Source::Kind::npm},
    KindName{"pypi", Source::Kind::pypi},     KindName{"maven", Source::Kind::maven},
    KindName{"go", Source::Kind::go},         KindName{"url", Source::Kind::url},
};

// A path beneath the root: relative, no component that leads elsewhere.
bool is_inner_path(std::string_view path) {
    if (path.empty() || path.front() == '/' || path.back() == '/' || !printable(path)) return false;
    while (true) {
        const auto slash = path.find('/');
        const auto part = path.substr(0, slash);
        if (part.empty() || part == "." || part == "..") return false;
        if (slash == std::string_view::npos) return true;
        path.remove_prefix(slash + 1);
    }
}

std::string inner_path_or_nothing(const Section& section, std::string_view key) {
    auto path = section.text_or(key, "");
    if (!path.empty() && !is_inner_path(path)) {
        section.refuse(section.required(key).source(),
                       "\"" + path + "\" is not a path beneath the root");
    }
    return path;
}

int small_number(const Section& section, std::string_view key) {
    const auto* node = section.table.get(key);
    if (!node) return 0;
    const auto* number = node->as_integer();
    if (!number || number->get() < 0 || number->get() > 16) {
        section.refuse(node->source(), "\"" + std::string{key} + "\" takes a number from 0 to 16");
    }
    return static_cast<int>(number->get());
}

Source read_source(const Section& section) {
    section.allow_only({"debian", "npm", "pypi", "maven", "go", "url", "digest", "into", "file",
                        "strip", "architecture"});
    Source source;
    int count = 0;
    for (const auto& [name, kind] : kinds) {
        const auto* node = section.table.get(name);
        if (!node) continue;
        ++count;
        source.kind = kind;
        if (kind == Source::Kind::debian) {
            source.what = section.texts(name);
        } else {
            source.what = {section.text(*node, name)};
        }
    }
    const auto& place = section.table.source();
    if (count != 1) {
        section.refuse(place, "a source has exactly one of debian, npm, pypi, maven, go and url");
    }
    source.digest = section.text_or("digest", "");
    if ((source.kind == Source::Kind::debian) != source.digest.empty()) {
        section.refuse(place, "every source but debian needs a \"digest\", and debian has none");
    }
    if (source.what.empty()) section.refuse(place, "the source names no package");
    source.into = inner_path_or_nothing(section, "into");
    source.file = inner_path_or_nothing(section, "file");
    source.strip = small_number(section, "strip");
    source.architecture = section.text_or("architecture", "");
    return source;
}

// Path → text, where every path is one beneath the root.
std::map<std::string, std::string> read_paths(const Section& root, std::string_view key) {
    std::map<std::string, std::string> result;
    if (!root.table.contains(key)) return result;
    const auto section = root.section(key);
    for (const auto& [path, value] : section.table) {
        if (!is_inner_path(path.str())) {
            section.refuse(path.source(),
                           "\"" + std::string{path.str()} + "\" is not a path beneath the root");
        }
        result.emplace(path.str(), section.text(value, path.str()));
    }
    return result;
}

// In the order in which they stand in the file: the first is the main file.
std::vector<SelfTest::File> read_files(const Section& section) {
    using Placed = std::pair<std::pair<std::uint32_t, std::uint32_t>, SelfTest::File>;
    std::vector<Placed> placed;
    placed.reserve(section.table.size());
    for (const auto& [name, value] : section.table) {
        const auto& begin = name.source().begin;
        placed.push_back({{begin.line, begin.column},
                          {std::string{name.str()}, section.text(value, name.str())}});
    }
    if (placed.empty()) section.refuse(section.table.source(), "the test has no file");
    std::ranges::sort(placed, std::ranges::less{}, &Placed::first);
    std::vector<SelfTest::File> files;
    for (auto& [place, file] : placed) files.push_back(std::move(file));
    return files;
}

std::vector<SelfTest> read_tests(const Section& section, const std::string& extension) {
    const auto main = extension.empty() ? std::string{"main"} : "main." + extension;
    std::vector<SelfTest> tests;
    for (const auto& [name, value] : section.table) {
        auto test = SelfTest{.name = std::string{name.str()}, .files = {}};
        if (value.is_table()) {
            test.files = read_files(section.section(name.str()));
        } else {
            test.files = {{main, section.text(value, name.str())}};
        }
        tests.push_back(std::move(test));
    }
    // The plainest first: what else should be wrong if not even that works?
    std::stable_partition(tests.begin(), tests.end(),
                          [](const SelfTest& test) { return test.name == "hello"; });
    return tests;
}

Provided read_provided(const Section& section) {
    section.allow_only({"language", "aliases", "extension", "environment", "run", "compile",
                        "limits", "tests", "untested"});
    Provided provided;
    provided.language = section.required_text("language");
    provided.aliases = section.texts("aliases");
    for (const auto& name : provided.aliases) {
        if (name.empty() || !printable(name)) {
            section.refuse(section.required("aliases").source(), "an alias is not a name");
        }
    }
    if (provided.language.empty() || !printable(provided.language)) {
        section.refuse(section.required("language").source(), "\"language\" is not a name");
    }
    provided.environment = read_environment(section);
    provided.run = read_run(section.section("run"));
    if (section.table.contains("compile")) {
        provided.compile = read_compile(section.section("compile"));
        if (section.section("compile").table.contains("argv_needs"))
            section.refuse(section.required("compile").source(),
                           R"("argv_needs" is for toolchains of the host)");
    }
    if (section.table.contains("limits")) provided.limits = read_limits(section.section("limits"));
    if (section.table.contains("tests")) {
        provided.tests = read_tests(section.section("tests"), section.text_or("extension", ""));
    }
    if (section.table.contains("untested")) {
        const auto untested = section.section("untested");
        for (const auto& [name, why] : untested.table) {
            provided.untested.emplace(name.str(), untested.text(why, name.str()));
        }
    }
    return provided;
}

Libraries read_libraries(const Section& section, const std::string& setup) {
    section.allow_only({"kind", "pattern", "into", "setup"});
    Libraries libraries;
    const auto name = section.required_text("kind");
    const auto kind =
        std::ranges::find_if(kinds, [&](const auto& row) { return name == row.name; });
    if (kind == kinds.end()) {
        section.refuse(section.required("kind").source(), "\"kind\" is debian, npm, pypi or maven");
    }
    libraries.kind = kind->kind;
    libraries.pattern = section.text_or("pattern", "");
    libraries.into = inner_path_or_nothing(section, "into");
    if (libraries.kind == Source::Kind::debian &&
        libraries.pattern.find("{name}") == std::string::npos) {
        section.refuse(section.table.source(), "\"pattern\" needs {name} in it");
    }
    if (section.table.contains("setup")) {
        const auto again = section.table["setup"].value_exact<bool>();
        if (!again)
            section.refuse(section.required("setup").source(), "\"setup\" is true or false");
        if (*again) libraries.setup = setup;
    }
    return libraries;
}

void check_version(const Section& root, const std::string& version) {
    const bool of_debian = version.starts_with("debian:") && is_package_name(version.substr(7));
    if (!of_debian && !parse_version(version)) {
        root.refuse(root.required("version").source(),
                    "\"version\" is three numbers, or debian:<name>");
    }
}

}  // namespace

bool is_package_name(std::string_view name) {
    const auto first = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    return !name.empty() && name.size() <= longest_name && first(name.front()) &&
           std::ranges::all_of(name, [&](char c) {
               return first(c) || std::string_view{"+._-"}.find(c) != std::string_view::npos;
           });
}

bool is_package(std::string_view text, const std::string& file) {
    const auto parsed = parse_toml(text, file);
    const auto* version = parsed.get("version");
    return version != nullptr && version->is_string();
}

Package parse_package(std::string_view text, const std::string& file) {
    const auto parsed = parse_toml(text, file);
    const auto root = Section{file, parsed};
    root.allow_only({"name", "version", "summary", "depends", "source", "links", "files", "remove",
                     "setup", "provides", "libraries"});
    Package package;
    package.name = root.required_text("name");
    if (!is_package_name(package.name)) {
        root.refuse(root.required("name").source(),
                    "\"" + package.name +
                        "\" is not a name of at most 64 letters, digits, '+', '.', '_' and '-'");
    }
    package.version = root.required_text("version");
    check_version(root, package.version);
    package.summary = root.text_or("summary", "");
    package.depends = root.texts("depends");
    for (const auto& name : package.depends) {
        if (!is_package_name(name)) {
            root.refuse(root.required("depends").source(), "\"" + name + "\" is not a name");
        }
    }
    for (const auto& section : root.sections("source"))
        package.sources.push_back(read_source(section));
    package.links = read_paths(root, "links");
    package.files = read_paths(root, "files");
    package.remove = root.texts("remove");
    for (const auto& path : package.remove) {
        if (!is_inner_path(path)) {
            root.refuse(root.required("remove").source(),
                        "\"" + path + "\" is not a path beneath the root");
        }
    }
    package.setup = root.text_or("setup", "");
    for (const auto& section : root.sections("provides")) {
        package.provides.push_back(read_provided(section));
    }
    if (root.table.contains("libraries"))
        package.libraries = read_libraries(root.section("libraries"), package.setup);
    return package;
}

}  // namespace packages
