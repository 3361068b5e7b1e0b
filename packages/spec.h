// Piston's spec files: which packages a machine shall have, as rules that are applied from top to
// bottom.
//
//   # everything in its newest version, but of python the newest 3 and the newest 2
//   * *
//   !python *
//   python 3.*
//   python 2.*
//
// A rule adds, of every package whose name matches the glob, the newest version in the range; one
// with "!" takes away what has been added and matches. What is installed and not in the result is
// to go. Pure functions; text in, plan out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packages/version.h"

namespace packages {

struct SpecRule {
    bool removes = false;
    std::string glob;            // man 3 fnmatch, of the whole name
    std::optional<Range> range;  // only a rule that removes may lack it, and then removes nothing

    bool operator==(const SpecRule&) const = default;
};

struct NamedVersion {
    std::string name;
    std::string version;  // strict semver; one that is not is never matched

    bool operator==(const NamedVersion&) const = default;
};

struct SpecPlan {
    std::vector<NamedVersion> install;    // in the order of the rules that want them
    std::vector<NamedVersion> uninstall;  // in the order in which they were given

    bool operator==(const SpecPlan&) const = default;
};

// Blank lines, lines that begin with "#" and what follows a blank and "#" are comments. Throws
// sys::Error{invalid}: "<file>:<line>: <why>", rather than pass over a rule, for then packages
// would be uninstalled that it was meant to keep.
std::vector<SpecRule> parse_spec(std::string_view text, const std::string& file);

// What makes `installed` what the rules say. Installed versions can satisfy a rule even if nobody
// offers them any more.
SpecPlan plan(const std::vector<NamedVersion>& installed,
              const std::vector<NamedVersion>& available, const std::vector<SpecRule>& rules);

}  // namespace packages
