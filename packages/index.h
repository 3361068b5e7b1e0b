// Piston's index of packages: one line each, "<package>,<version>,<sha256>,<address>".
//
// The index is data from elsewhere. Its grammar is strict, so that a name or version can become a
// part of a path or an argument as it is; a line that breaks it is reported and passed over, since
// one bad line must not hide a hundred good ones.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "packages/digest.h"
#include "packages/version.h"

namespace packages {

struct IndexEntry {
    std::string package;  // is_package_name()
    std::string version;  // strict semver, without a "v"
    Digest digest;        // sha256 of the tarball
    std::string url;      // http, https or file; printable ASCII without blanks and commas

    bool operator==(const IndexEntry&) const = default;
};

struct IndexProblem {
    int line = 0;  // from 1
    std::string why;

    bool operator==(const IndexProblem&) const = default;
};

struct Index {
    std::vector<IndexEntry> entries;     // in the order of their lines
    std::vector<IndexProblem> problems;  // lines that were passed over

    bool operator==(const Index&) const = default;
};

inline constexpr std::size_t max_index_bytes = 4 * 1024 * 1024;
inline constexpr int max_index_lines = 10'000;

// Empty lines are ignored. Throws sys::Error{invalid} only if the text is longer than the limits
// above.
Index parse_index(std::string_view text);

// Checks a detached ed25519 signature over the exact bytes of an index. Both the signature (64
// bytes) and the key (32 bytes) are given in base64; blanks around them do not count. Throws
// sys::Error{invalid} if it is not a signature of these bytes by that key.
void verify_signature(std::string_view index, std::string_view signature, std::string_view key);

}  // namespace packages
