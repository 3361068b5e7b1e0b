// What can be installed: the recipes that come with the program, those of the operator, and
// Piston's index where one is configured.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "packages/package.h"
#include "packages/version.h"

namespace packages {

// One thing that can be installed.
struct Offer {
    std::string name;
    std::string version;  // strict semver; "debian:<name>" until somebody asks Debian (Installer)
    std::string summary;
    std::string source;                  // "debian", "npm", "pypi", "maven", "go", "url", "piston"
    std::vector<std::string> languages;  // it provides; empty for a layer others lie on
    std::optional<Package> package;      // a recipe
    std::string url, digest;             // or a tarball of Piston's

    bool operator==(const Offer&) const = default;
};

// The package as an offer, with only the sources that are for this machine's architecture; empty if
// it has sources and none of them is.
std::optional<Offer> offer_of(Package package);

// All packages beneath the directories (*.toml with a text as `version`), by name. A recipe for
// another architecture only is left out, and one that is wrong is logged and left out.
std::vector<Offer> load_offers(const std::vector<std::string>& recipe_directories);

}  // namespace packages
