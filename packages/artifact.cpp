#include "packages/artifact.h"

#include <algorithm>
#include <utility>

#include "isolate/sys/error.h"
#include "packages/digest.h"
#include "packages/names.h"
#include "packages/version.h"

namespace packages {

namespace {

using Kind = Source::Kind;

[[noreturn]] void refuse(const std::string& kind, const std::string& text, const char* form) {
    throw sys::Error(sys::Kind::invalid, in_quotes(text) + " is no " + kind + ": it takes " + form);
}

// The two sides of the last separator; the second is empty if there is none.
std::pair<std::string, std::string> split_last(const std::string& text,
                                               const std::string& separator) {
    const auto at = text.rfind(separator);
    // The first character is never a separator: "@scope/name" has a version only behind another.
    if (at == std::string::npos || at == 0) return {text, ""};
    return {text.substr(0, at), text.substr(at + separator.size())};
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    for (std::size_t start = 0; start <= text.size();) {
        const auto end = std::min(text.find(separator, start), text.size());
        parts.push_back(text.substr(start, end - start));
        start = end + 1;
    }
    return parts;
}

std::string last_component(const std::string& url) {
    const auto path = url.substr(0, url.find('?'));
    return path.substr(path.rfind('/') + 1);
}

std::string npm_address(const std::string& what, Addresses& addresses) {
    const auto [name, version] = split_last(what, "@");
    if (!is_npm_name(name) || !is_exact_version(version)) {
        refuse("npm package", what, R"("name@1.2.3" or "@scope/name@1.2.3")");
    }
    const auto base = name.substr(name.find('/') + 1);  // npos + 1 is 0
    return addresses.npm() + "/" + percent_encoded(name, "@/") + "/-/" +
           percent_encoded(base + "-" + version, "") + ".tgz";
}

bool is_python_version(std::string_view text) {
    return is_plain_name(text, ".!+_-");
}

IndexedFile pypi_file(const Source& source, Addresses& addresses, const FetchText& fetch_text) {
    const auto& what = source.what.front();
    const auto [name, version] = split_last(what, "==");
    if (!is_pypi_name(name) || !is_python_version(version)) {
        refuse("Python package", what, R"("name==1.2.3")");
    }
    if (!is_file_name(source.file) || !source.file.ends_with(".whl")) {
        refuse("Python wheel", source.file, "the wheel's exact file name");
    }
    const auto url = addresses.pypi() + "/" + normalized_project(name) + "/";
    for (auto& file : parse_project_page(fetch_text(url), url)) {
        if (file.name == source.file) return std::move(file);
    }
    throw sys::Error(sys::Kind::not_found,
                     in_quotes(source.file) + " is not listed at " + without_passwords(url));
}

// An index is allowed to say nothing, or to say it with another algorithm, but not to contradict.
void compare_digests(const Source& source, const IndexedFile& file) {
    if (file.digest.empty()) return;
    const auto wanted = parse_digest(source.digest);
    const auto stated = parse_digest(file.digest);
    if (wanted.algorithm == stated.algorithm && wanted != stated) {
        throw sys::Error(sys::Kind::invalid, source.file + ": the index states the digest " +
                                                 to_string(stated) + ", the package " +
                                                 to_string(wanted));
    }
}

std::string go_address(const std::string& what, Addresses& addresses) {
    const auto [module, version] = split_last(what, "@");
    if (!is_go_module(module) || !version.starts_with('v') ||
        !is_exact_version(std::string_view{version}.substr(1))) {
        refuse("Go module", what, R"("example.org/module@v1.2.3")");
    }
    return addresses.go() + "/" + percent_encoded(escaped_module(module), "/!") + "/@v/" +
           percent_encoded(escaped_module(version), "!") + ".zip";
}

std::string plain_address(const std::string& what) {
    if (!is_address(what)) refuse("address", what, R"("https://..." or "file:///...")");
    return what;
}

std::string address_of(const Source& source, Addresses& addresses, const FetchText& fetch_text) {
    const auto& what = source.what.front();
    switch (source.kind) {
        case Kind::npm:
            return npm_address(what, addresses);
        case Kind::pypi: {
            const auto file = pypi_file(source, addresses, fetch_text);
            compare_digests(source, file);
            return file.url;
        }
        case Kind::maven: {
            static_cast<void>(maven_address("", what));  // refused before anybody is asked
            return maven_address(addresses.maven(), what);
        }
        case Kind::go:
            return go_address(what, addresses);
        case Kind::url:
            return plain_address(what);
        case Kind::debian:
            break;
    }
    throw sys::Error(sys::Kind::invalid, "Debian packages have no address of their own: " +
                                             in_quotes(what) + " is for apt to resolve");
}

}  // namespace

std::vector<Artifact> artifacts_of(const Source& source, Addresses& addresses,
                                   const FetchText& fetch_text) {
    if (source.what.size() != 1) {
        throw sys::Error(sys::Kind::invalid, "a source names exactly one thing to fetch, not " +
                                                 std::to_string(source.what.size()));
    }
    auto artifact = Artifact{.digest = source.digest, .into = source.into, .strip = source.strip};
    // Without one a source never gets to asking a registry.
    if (source.kind != Kind::debian) static_cast<void>(parse_digest(source.digest));
    artifact.url = address_of(source, addresses, fetch_text);
    artifact.unpack = source.file.empty() || source.kind == Kind::pypi;
    artifact.file_name = source.file.empty() ? last_component(artifact.url) : source.file;
    if (!is_file_name(artifact.file_name)) {
        refuse("file name", artifact.file_name, "one component of a path, not hidden");
    }
    return {artifact};
}

std::string normalized_project(std::string_view name) {
    std::string result;
    for (const char c : name) {
        const bool separates = c == '-' || c == '_' || c == '.';
        if (separates && result.ends_with('-')) continue;
        const bool upper = c >= 'A' && c <= 'Z';
        result += separates ? '-' : upper ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return result;
}

std::string escaped_module(std::string_view text) {
    std::string result;
    for (const char c : text) {
        const bool upper = c >= 'A' && c <= 'Z';
        if (upper) result += '!';
        result += upper ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return result;
}

std::string maven_address(const std::string& repository, const std::string& coordinates) {
    constexpr const char* others = "._+-";
    const auto parts = split(coordinates, ':');
    const bool whole = parts.size() == 3 || parts.size() == 4;
    if (!whole || !is_maven_group(parts[0]) ||
        !std::all_of(parts.begin() + 1, parts.end(),
                     [](const std::string& part) { return is_plain_name(part, others); })) {
        refuse("Maven artifact", coordinates, R"("group:artifact:1.2.3")");
    }
    auto group = parts[0];
    std::ranges::replace(group, '.', '/');
    const auto version = percent_encoded(parts[2], "");
    const auto classifier = parts.size() == 4 ? "-" + percent_encoded(parts[3], "") : std::string{};
    const auto artifact = percent_encoded(parts[1], "");
    return repository + "/" + group + "/" + artifact + "/" + version + "/" + artifact + "-" +
           version + classifier + ".jar";
}

}  // namespace packages
