// What a package says about itself: how a language is found, started, compiled and limited.
//
// A manifest is one small TOML file. Those in packages/recipes describe toolchains the host has
// already (host.h finds them); a package that brings its own files uses the same format. Manifests
// are data from elsewhere: every key and value is checked here, unknown keys are refused, and
// nothing is executed.
//
// Strings may hold placeholders, filled in when a toolchain has been found: {program} the program
// as found, {directory} the directory of the real file behind it, {major} and {minor} of its
// version. The placeholders of packages::Script ({main}, {files}, {args}) stay as they are, for the
// engine.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/limits.h"
#include "packages/script.h"

namespace packages {

// How a tool is asked for its version.
struct VersionQuestion {
    std::vector<std::string> argv;  // the first element is "{program}" or an absolute path
    std::string after;  // the version is the first number behind this text; empty: the first of all

    bool operator==(const VersionQuestion&) const = default;
};

struct Manifest {
    std::string language;
    std::vector<std::string> aliases;
    std::vector<std::string> programs;  // candidates: bare names, or glob patterns beneath /usr
    VersionQuestion version;
    // With both an argument vector and a text: Script says which starts a job.
    std::optional<Script> compile;
    // A file without which the compile stage has no vector, and nothing to start ahead; empty: none
    // is needed. Settled when a toolchain is found.
    std::string argv_needs = {};
    Script run;
    std::vector<std::string> environment;  // "KEY=value"
    config::LimitOverrides limits;

    bool operator==(const Manifest&) const = default;
};

// Reads one manifest. `file` names it in errors. Throws sys::Error{invalid}: "<file>:<line>:
// <why>".
Manifest parse_manifest(std::string_view text, const std::string& file);

}  // namespace packages
