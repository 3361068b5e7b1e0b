// What a package says about itself: where its files come from, on what other packages they lie,
// which runtimes it provides and how they prove that they work.
//
// A package is one small TOML file, like a recipe for a host toolchain (manifest.h), told apart by
// its `version`: text here, a table there. It is data from elsewhere: every key and value is
// checked, unknown keys are refused, nothing is executed while it is read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/limits.h"
#include "packages/script.h"

namespace packages {

// Where some of the files come from. `what` by kind:
//   debian  names of Debian packages; their dependencies come along
//   npm     one "name@version"
//   pypi    one "name==version"; `file` is the wheel
//   maven   one "group:artifact:version" or "group:artifact:version:classifier"
//   go      one "module@version" of the Go module proxy, its zip
//   url     one address, "https://…" or "file:///…"
struct Source {
    enum class Kind { debian, npm, pypi, maven, go, url };

    Kind kind = Kind::debian;
    std::vector<std::string> what;
    std::string digest;  // "sha256:<hex>", "sha512-<base64>" or "h1:<base64>" (go); none for debian
    std::string into;    // directory beneath the root, without a leading slash; empty: the root
    std::string file;  // pypi: the wheel's name; others: save under this name instead of unpacking
    int strip = 0;     // leading path components to drop while unpacking
    std::string architecture;  // "amd64", "arm64"; empty: any. Sources of others are passed over

    bool operator==(const Source&) const = default;
};

// A program and what it must do; see README.md for what each of these proves.
struct SelfTest {
    struct File {
        std::string name, content;
        bool operator==(const File&) const = default;
    };
    std::string name;         // hello, utf8, stdin, args, fails, broken, modules, or another
    std::vector<File> files;  // the first is the main file

    bool operator==(const SelfTest&) const = default;
};

// One runtime of a package.
struct Provided {
    std::string language;
    std::vector<std::string> aliases;
    std::optional<Script> compile;
    Script run;
    std::vector<std::string> environment;  // "KEY=value"
    config::LimitOverrides limits;
    std::vector<SelfTest> tests;
    std::map<std::string, std::string> untested;  // name of a self-test: why it cannot be had

    bool operator==(const Provided&) const = default;
};

// Libraries that can be added to a runtime by `install NAME --with …`.
struct Libraries {
    Source::Kind kind = Source::Kind::debian;
    std::string pattern;  // debian: the package's name with {name} in it, such as "python3-{name}"
    std::string into;     // pypi, npm, maven: the directory
    std::string setup;    // the package's, if it has to run again with them; else empty

    bool operator==(const Libraries&) const = default;
};

struct Package {
    std::string name;
    std::string version;  // strict semver, or "debian:<name>": that of the Debian package
    std::string summary;  // one line for `list` and `search`
    std::vector<std::string> depends;  // names of packages whose layers lie beneath
    std::vector<Source> sources;
    std::map<std::string, std::string>
        links;  // path beneath the root → target, made after unpacking
    std::map<std::string, std::string> files;  // path beneath the root → text
    std::vector<std::string> remove;           // paths not to keep (documentation, caches)
    // A shell script that runs in a box on the finished tree, without network; what it writes to
    // its standard output is a tar of files to add. Empty: none.
    std::string setup;
    std::vector<Provided> provides;
    std::optional<Libraries> libraries;

    bool operator==(const Package&) const = default;
};

// Whether the text is that of a package, and not of a toolchain's recipe (manifest.h). Throws as
// parse_package does for what is not TOML at all.
bool is_package(std::string_view text, const std::string& file);

// True for what can be the name of a package: it becomes part of a file's name.
bool is_package_name(std::string_view name);

// Reads one package. `file` names it in errors. Throws sys::Error{invalid}: "<file>:<line>: <why>".
Package parse_package(std::string_view text, const std::string& file);

}  // namespace packages
