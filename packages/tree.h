// Trees of files that the store owns: measured, hashed and removed.
//
// Nobody but the store's own user can write them, so paths may be walked by name; links are never
// followed.
#pragma once

#include <cstdint>
#include <string>

namespace packages {

struct TreeFacts {
    std::string
        digest;  // "sha256:<hex>" over every entry: path, kind, mode, link's target, content
    std::uint64_t bytes = 0;    // of the files' contents
    std::uint64_t entries = 0;  // files, links and directories beneath the root

    bool operator==(const TreeFacts&) const = default;
};

// Reads the whole tree. The same files have the same digest wherever and whenever they were
// unpacked. Throws sys::Error{broken}.
TreeFacts describe_tree(const std::string& path);

// Removes a tree, if it is there, whatever modes its directories have. Throws sys::Error{broken}.
void remove_tree(const std::string& path);

}  // namespace packages
