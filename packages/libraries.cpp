#include "packages/libraries.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "isolate/sys/error.h"
#include "packages/names.h"

namespace packages {

namespace {

using Json = nlohmann::json;
using Kind = Source::Kind;

constexpr std::size_t max_libraries = 64;

[[noreturn]] void refuse(const std::string& text, const char* form) {
    throw sys::Error(sys::Kind::invalid, in_quotes(text) + " is no library: it takes " + form);
}

// Splits at the separator unless it is the first character, as in "@scope/name".
Library split_version(const std::string& text, const std::string& separator) {
    const auto at = text.find(separator, 1);
    if (at == std::string::npos) return {.name = text, .version = {}};
    auto library =
        Library{.name = text.substr(0, at), .version = text.substr(at + separator.size())};
    // "name==" is a slip, not a wish for the newest.
    if (library.version.empty()) library.name.clear();
    return library;
}

bool is_version_or_nothing(const std::string& version) {
    return version.empty() || is_plain_name(version, ".!+_-");
}

Library parse_maven_library(const std::string& text) {
    static_cast<void>(maven_address("", text));  // throws
    const auto colon = text.find(':', text.find(':') + 1);
    return {.name = text.substr(0, colon), .version = text.substr(colon + 1)};
}

bool is_python_series(std::string_view version) {
    return is_plain_name(version, ".") &&
           std::ranges::all_of(version, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

void require_names(Kind kind, const std::vector<std::string>& names) {
    if (names.empty() || names.size() > max_libraries) {
        throw sys::Error(sys::Kind::invalid, "libraries are added 1 to " +
                                                 std::to_string(max_libraries) +
                                                 " at a time, not " + std::to_string(names.size()));
    }
    for (const auto& name : names) static_cast<void>(parse_library(kind, name));
}

std::string require_program(const std::string& name, const std::string& what) {
    const auto path = find_program(name);
    if (path) return *path;
    throw sys::Error(sys::Kind::not_found,
                     "this machine has no " + name + ", with which " + what + " are installed");
}

ToolCommand client(std::vector<std::string> argv, const std::vector<std::string>& names,
                   const LibraryTarget& target) {
    argv.insert(argv.end(), names.begin(), names.end());
    return {.argv = std::move(argv),
            .environment = client_environment(),
            .directory = target.directory,
            .patience = std::chrono::minutes{30},
            // Progress, of any length and of no use afterwards.
            .on_line = [](std::string_view) {}};
}

Json parse_document(std::string_view text, const char* what, const char* key) {
    auto document = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (document.is_object() && document.contains(key)) return document[key];
    throw sys::Error(sys::Kind::invalid, std::string{what} + " cannot be read");
}

// The string at the end of the keys; empty if there is none.
std::string text_at(const Json& document, std::initializer_list<const char*> keys) {
    const auto* node = &document;
    for (const auto* key : keys) {
        if (!node->is_object() || !node->contains(key)) return {};
        node = &node->at(key);
    }
    return node->is_string() ? node->get<std::string>() : std::string{};
}

std::vector<Part> by_name(std::vector<Part> parts) {
    std::ranges::sort(parts, [](const Part& left, const Part& right) {
        return std::tie(left.name, left.version) < std::tie(right.name, right.version);
    });
    return parts;
}

}  // namespace

Library parse_library(Kind kind, const std::string& text) {
    switch (kind) {
        case Kind::debian:
            if (!is_plain_name(text, "._+-")) refuse(text, "a name without a version");
            return {.name = text, .version = {}};
        case Kind::pypi: {
            auto library = split_version(text, "==");
            if (!is_pypi_name(library.name) || !is_version_or_nothing(library.version)) {
                refuse(text, R"("name" or "name==1.2")");
            }
            return library;
        }
        case Kind::npm: {
            auto library = split_version(text, "@");
            // Exact versions only: a range, a tag or an address would be another way to say what.
            if (!is_npm_name(library.name) ||
                !(library.version.empty() || is_exact_version(library.version))) {
                refuse(text, R"("name" or "name@1.2.3")");
            }
            return library;
        }
        case Kind::maven:
            return parse_maven_library(text);
        case Kind::go:
        case Kind::url:
            break;
    }
    throw sys::Error(sys::Kind::invalid,
                     "there are no libraries of that kind to add: " + in_quotes(text));
}

std::vector<std::string> debian_libraries(const Libraries& libraries,
                                          const std::vector<std::string>& names) {
    constexpr std::string_view placeholder = "{name}";
    require_names(Kind::debian, names);
    std::vector<std::string> packages;
    for (auto name : names) {
        std::ranges::transform(name, name.begin(), [](char c) {
            const bool upper = c >= 'A' && c <= 'Z';
            // No Debian name has an underscore; Python's projects often do.
            return c == '_' ? '-' : upper ? static_cast<char>(c - 'A' + 'a') : c;
        });
        auto package = libraries.pattern;
        const auto at = package.find(placeholder);
        if (at != std::string::npos) package.replace(at, placeholder.size(), name);
        if (at == std::string::npos || !is_debian_name(package)) {
            throw sys::Error(sys::Kind::invalid,
                             in_quotes(package) + " is not the name of a Debian package");
        }
        packages.push_back(std::move(package));
    }
    return packages;
}

ToolCommand pip_command(const std::vector<std::string>& names, const LibraryTarget& target,
                        Addresses& addresses) {
    require_names(Kind::pypi, names);
    if (!is_python_series(target.python_version)) {
        throw sys::Error(sys::Kind::invalid,
                         in_quotes(target.python_version) + " is no version of Python");
    }
    auto argv = std::vector<std::string>{
        require_program("python3", "Python libraries"), "-m", "pip", "install", "--target",
        target.directory,
        // Wheels are unpacked; anything else would have to run.
        "--only-binary=:all:", "--no-compile", "--python-version", target.python_version,
        "--implementation", "cp", "--no-input", "--no-warn-script-location",
        "--disable-pip-version-check", "--root-user-action=ignore", "--progress-bar=off",
        "--cache-dir", target.cache, "--report", target.cache + "/report.json", "--index-url",
        addresses.pypi(), "--"};
    return client(std::move(argv), names, target);
}

ToolCommand npm_command(const std::vector<std::string>& names, const LibraryTarget& target,
                        Addresses& addresses) {
    require_names(Kind::npm, names);
    auto argv = std::vector<std::string>{require_program("npm", "Node libraries"),
                                         "install",
                                         "--ignore-scripts",
                                         "--no-audit",
                                         "--no-fund",
                                         "--no-progress",
                                         "--no-update-notifier",
                                         "--no-bin-links",
                                         "--prefix",
                                         target.directory,
                                         "--cache",
                                         target.cache,
                                         "--registry",
                                         addresses.npm() + "/",
                                         "--"};
    return client(std::move(argv), names, target);
}

std::vector<Artifact> maven_libraries(const std::vector<std::string>& coordinates,
                                      const std::string& into, Addresses& addresses,
                                      const FetchText& fetch_text) {
    require_names(Kind::maven, coordinates);
    std::vector<Artifact> artifacts;
    for (const auto& one : coordinates) {
        const auto url = maven_address(addresses.maven(), one);
        // Some repositories put the file's name behind the sum, some nothing.
        const auto published = fetch_text(url + ".sha1");
        const auto sum = published.substr(0, published.find_first_of(" \t\r\n"));
        artifacts.push_back({.url = url,
                             .digest = "sha1:" + sum,
                             .file_name = url.substr(url.rfind('/') + 1),
                             .into = into,
                             .unpack = false});
    }
    return artifacts;
}

void run_client(const ToolCommand& command, std::stop_token stop) {
    const auto result = run_tool(command, std::move(stop));
    if (result.exit_code == 0) return;
    const auto& program = command.argv.front();
    throw sys::Error(sys::Kind::broken, program.substr(program.rfind('/') + 1) +
                                            " cannot install the libraries: " + last_words(result));
}

std::vector<Part> parse_pip_report(std::string_view text) {
    std::vector<Part> parts;
    for (const auto& entry : parse_document(text, "pip's report", "install")) {
        const auto sha256 = text_at(entry, {"download_info", "archive_info", "hashes", "sha256"});
        parts.push_back({.name = text_at(entry, {"metadata", "name"}),
                         .version = text_at(entry, {"metadata", "version"}),
                         .digest = sha256.empty() ? "" : "sha256:" + sha256});
    }
    return by_name(std::move(parts));
}

std::vector<Part> parse_npm_lock(std::string_view text) {
    constexpr std::string_view directory = "node_modules/";
    std::vector<Part> parts;
    const auto packages = parse_document(text, "npm's lock file", "packages");
    for (const auto& [path, entry] : packages.items()) {
        // "node_modules/a/node_modules/@b/c" is @b/c; the project itself is "".
        const auto at = path.rfind(directory);
        if (at == std::string::npos) continue;
        parts.push_back({.name = path.substr(at + directory.size()),
                         .version = text_at(entry, {"version"}),
                         .digest = text_at(entry, {"integrity"})});
    }
    return by_name(std::move(parts));
}

}  // namespace packages
