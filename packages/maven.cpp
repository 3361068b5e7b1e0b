// XML by pugixml: settings.xml is written by hand, with comments, CDATA and namespaces, which a
// scanner of our own would get wrong. It is one small library without dependencies, and it neither
// loads anything a document refers to nor expands entities a document defines.
#include "packages/maven.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <pugixml.hpp>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/tool.h"

namespace packages {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view default_repository = "central";
constexpr const char* super_pom = "org/apache/maven/model/pom-4.0.0.xml";
constexpr std::size_t max_pom_bytes = 256 << 10;
constexpr const char* system_home = "/usr/share/maven";

std::string text_of(const pugi::xml_node& node, const char* name) {
    std::string text = node.child_value(name);
    text.erase(0, text.find_first_not_of(" \t\r\n"));
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    return text;
}

bool is_external(std::string_view address) {
    return !address.starts_with("file:") && address.find("://localhost") == address.npos &&
           address.find("://127.0.0.1") == address.npos;
}

bool is_active(const pugi::xml_node& settings, const pugi::xml_node& profile) {
    if (text_of(profile.child("activation"), "activeByDefault") == "true") return true;
    const auto id = text_of(profile, "id");
    return std::ranges::any_of(
        settings.child("activeProfiles").children("activeProfile"),
        [&](const pugi::xml_node& active) { return active.child_value() == id; });
}

std::optional<std::string> mirror_in(const pugi::xml_node& settings, std::string_view original) {
    std::optional<std::string> by_pattern;
    for (const auto& mirror : settings.child("mirrors").children("mirror")) {
        const auto of = text_of(mirror, "mirrorOf");
        // Maven's way to forbid a repository; there is nothing to fetch from it.
        if (text_of(mirror, "blocked") == "true") continue;
        if (of == default_repository) return text_of(mirror, "url");
        if (!by_pattern && mirrors(of, default_repository, original)) {
            by_pattern = text_of(mirror, "url");
        }
    }
    return by_pattern;
}

std::optional<std::string> repository_in(const pugi::xml_node& parent) {
    for (const auto& repository : parent.child("repositories").children("repository")) {
        if (text_of(repository, "id") == default_repository) return text_of(repository, "url");
    }
    return {};
}

// The super POM in a jar; empty if this is another jar.
std::optional<std::string> read_super_pom(const std::string& jar) {
    const auto reader = std::unique_ptr<archive, decltype(&archive_read_free)>(archive_read_new(),
                                                                               archive_read_free);
    if (!reader) sys::fail("make a reader of archives", ENOMEM);
    archive_read_support_format_zip(reader.get());
    if (archive_read_open_filename(reader.get(), jar.c_str(), 64 << 10) != ARCHIVE_OK) return {};
    archive_entry* entry = nullptr;
    while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
        const char* const name = archive_entry_pathname(entry);
        if (!name || std::string_view{name} != super_pom) continue;
        std::string text(max_pom_bytes, '\0');
        const auto length = archive_read_data(reader.get(), text.data(), text.size());
        if (length < 0) return {};
        text.resize(static_cast<std::size_t>(length));
        return text;
    }
    return {};
}

// Where the mvn in PATH was installed: it is bin/mvn there.
std::optional<std::string> home_of_mvn() {
    const auto program = find_program("mvn");
    if (!program) return {};
    std::error_code error;
    const auto real = fs::canonical(*program, error);
    return error ? std::nullopt : std::optional{real.parent_path().parent_path().native()};
}

}  // namespace

bool mirrors(std::string_view patterns, std::string_view id, std::string_view address) {
    bool matches = false;
    while (!patterns.empty()) {
        const auto comma = patterns.find(',');
        auto pattern = patterns.substr(0, comma);
        patterns.remove_prefix(comma == patterns.npos ? patterns.size() : comma + 1);
        pattern.remove_prefix(std::min(pattern.find_first_not_of(' '), pattern.size()));
        pattern = pattern.substr(0, pattern.find_last_not_of(' ') + 1);
        if (pattern.starts_with('!') && pattern.substr(1) == id) return false;
        const bool external = is_external(address);
        matches = matches || pattern == id || pattern == "*" ||
                  (pattern == "external:*" && external) ||
                  (pattern == "external:http:*" && external && address.starts_with("http:"));
    }
    return matches;
}

std::optional<std::string> parse_maven_settings(std::string_view xml, std::string_view original,
                                                const std::string& file) {
    pugi::xml_document document;
    const auto parsed = document.load_buffer(xml.data(), xml.size());
    if (!parsed) {
        throw sys::Error(sys::Kind::invalid, file + ": " + parsed.description() + " at byte " +
                                                 std::to_string(parsed.offset));
    }
    const auto settings = document.child("settings");
    auto found = mirror_in(settings, original);
    for (const auto& profile : settings.child("profiles").children("profile")) {
        if (!found && is_active(settings, profile)) found = repository_in(profile);
    }
    if (found && found->find("${") != std::string::npos) {
        throw sys::Error(sys::Kind::invalid,
                         file +
                             ": the repository's address has a variable in it, which only Maven "
                             "can fill: set packages.maven in crankcase.toml");
    }
    return found;
}

std::optional<std::string> parse_super_pom(std::string_view xml) {
    pugi::xml_document document;
    if (!document.load_buffer(xml.data(), xml.size())) return {};
    return repository_in(document.child("project"));
}

MavenFiles find_maven_files() {
    auto files = MavenFiles{};
    if (const char* home = std::getenv("HOME")) {
        files.settings.push_back(std::string{home} + "/.m2/settings.xml");
    }
    for (const auto& home : {home_of_mvn().value_or(system_home), std::string{system_home}}) {
        files.settings.push_back(home + "/conf/settings.xml");
        files.directories.push_back(home + "/lib");
    }
    files.settings.emplace_back("/etc/maven/settings.xml");
    files.directories.emplace_back("/usr/share/java");
    return files;
}

std::optional<std::string> default_maven_repository(const std::vector<std::string>& directories) {
    for (const auto& directory : directories) {
        std::error_code error;
        std::vector<std::string> jars;
        for (auto entry = fs::directory_iterator{directory, error};
             !error && entry != fs::directory_iterator{}; entry.increment(error)) {
            const auto name = entry->path().filename().native();
            if (name.starts_with("maven-model-builder") && name.ends_with(".jar")) {
                jars.push_back(entry->path().native());
            }
        }
        std::ranges::sort(jars);  // the same one every time
        for (const auto& jar : jars) {
            const auto pom = read_super_pom(jar);
            if (!pom) continue;
            if (auto address = parse_super_pom(*pom)) return address;
        }
    }
    return {};
}

std::optional<std::string> maven_repository(const MavenFiles& files) {
    auto original = default_maven_repository(files.directories);
    for (const auto& file : files.settings) {
        const auto xml = sys::try_read_file(file);
        if (!xml) continue;
        if (auto address = parse_maven_settings(*xml, original.value_or(""), file)) return address;
    }
    return original;
}

}  // namespace packages
