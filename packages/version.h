// Versions and ranges of versions, as npm's semver (7.3) reads them with its default options.
//
// A version is strict semver 2.0.0 with an optional leading "v". A range is what people write where
// a version is asked for: "*", "3", "3.x", "^1.2", "~>3.9", ">=3.9 <3.11", "1.0 - 2.3", "3.9
// || 3.11". Build metadata is read and forgotten. A pre-release satisfies a range only if a
// comparator of the same major.minor.patch names a pre-release too, so "*" never selects an alpha.
// Both are plain values; parsing is linear in the text, allocates a bounded amount and throws
// nothing of its own.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace packages {

struct Version {
    std::uint64_t major = 0;
    std::uint64_t minor = 0;
    std::uint64_t patch = 0;
    std::vector<std::string> prerelease;  // "alpha", "7"; empty for a release

    bool operator==(const Version&) const = default;
};

// Precedence by semver.org, section 11.
std::strong_ordering operator<=>(const Version& left, const Version& right);

// Empty if the text is not exactly one version (blanks around it do not count).
std::optional<Version> parse_version(std::string_view text);

// One bound: "<operation> <version>".
struct Comparator {
    enum class Operation { less, at_most, equal, at_least, greater };

    Operation operation = Operation::equal;
    Version version;

    bool admits(const Version& candidate) const;

    bool operator==(const Comparator&) const = default;
};

struct Range {
    // A version must satisfy all comparators of one alternative; one without comparators takes any
    // release.
    std::vector<std::vector<Comparator>> alternatives;

    bool contains(const Version& candidate) const;

    bool operator==(const Range&) const = default;
};

// The longest range that is read; nobody writes one, and the comparators cost more than their text.
inline constexpr std::size_t max_range_length = 1024;

// Empty if the text is no range, such as "latest" or "03.1". Blanks alone mean "*".
std::optional<Range> parse_range(std::string_view text);

}  // namespace packages
