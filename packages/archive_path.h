// Names in archives: from bytes that anybody may have written to a path that stays where it should.
// Pure functions; what they refuse is refused by sys::Error{invalid} with the subject in front.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packages/archive.h"

namespace packages {

// Which entry of which archive is looked at: the beginning of every sentence about it.
struct Subject {
    std::string archive;
    std::string entry = {};  // empty: the archive itself

    // Throws sys::Error{invalid}: "<archive>: \"<entry>\" <why>".
    [[noreturn]] void refuse(const std::string& why) const;
};

// A path relative to the root in its only form: components joined by single slashes, none of them
// empty, "." or "..". Empty: the root itself.
using TreePath = std::string;

// "usr/lib", "x" of "usr/lib/x"; {"", "x"} of "x".
struct SplitPath {
    std::string parent, name;
};
SplitPath split_path(const TreePath& path);

// Refuses absolute names, "..", control characters, and more than the limits allow.
TreePath clean_path(std::string_view name, const ArchiveLimits& limits, const Subject& subject);

// Where an entry of that name goes; empty: nowhere, all of it is stripped. `is_link` tells a
// symbolic link, which keeps its place when it is one of merged-/usr's own ("bin" → "usr/bin").
std::optional<TreePath> place_path(std::string_view name, bool is_link, const Unpacking& how,
                                   const ArchiveLimits& limits, const Subject& subject);

// True if the path is one of those, or beneath one.
bool is_removed(const TreePath& path, const std::vector<std::string>& removed);

// Refuses a symbolic link whose target, read as text, leaves the root. Without absolute links a
// target may go up only at its beginning: "a/.." would mean something else where a is a link.
void check_link(const TreePath& path, std::string_view target, bool absolute_links,
                const ArchiveLimits& limits, const Subject& subject);

}  // namespace packages
