// Toolchains the host has already: the embedded default, with which the first job runs without a
// download.
//
// Only the host's /usr is visible in a box, so only programs beneath /usr count, and only if no
// link on the way to them leads elsewhere. Whoever finds them pays once, at start-up: all tools are
// asked for their version at the same time, so that the whole search takes about as long as the
// slowest answer.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packages/manifest.h"

namespace packages {

// A toolchain that was found and answered.
struct Installed {
    Manifest manifest;    // filled in: what placeholders are left are those of packages::Script
    std::string version;  // exact, strict semver
    std::string program;  // the path it is started by; symbolic links are not resolved

    bool operator==(const Installed&) const = default;
};

// All manifests of toolchains beneath a directory (*.toml), in the order of their paths. Throws
// sys::Error: invalid for a manifest that cannot be read as one, broken if the directory cannot be
// read.
std::vector<Manifest> load_recipes(const std::string& directory);

// Every toolchain of every recipe, in the order of the recipes and of their candidates; of equal
// versions the first. A tool that fails, or says nothing useful within `patience`, is logged and
// left out.
std::vector<Installed> find_host_toolchains(
    const std::vector<Manifest>& recipes,
    std::chrono::milliseconds patience = std::chrono::seconds{30});

// The version in a tool's answer as strict semver: the first number behind the text `after`, three
// parts of it, missing ones 0. Empty if there is none.
std::optional<std::string> exact_version(std::string_view answer, std::string_view after);

// The recipe with its placeholders filled, its own directory first in PATH (unless it sets PATH
// itself). `real_program` is what `program` resolves to.
Installed fill(const Manifest& recipe, const std::string& program, const std::string& real_program,
               const std::string& version);

}  // namespace packages
