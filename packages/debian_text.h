// What apt says and reads, as values: pure functions, so that they are tested without an apt.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace packages {

// A Debian package that has to be added.
struct DebianPackage {
    std::string name, version, architecture;
    std::string file_name;  // as apt stores it, such as "hello_2.10-3_amd64.deb"
    std::string url;
    std::uint64_t size = 0;  // of the file, in bytes
    std::string sha256;      // of the file, in hexadecimal
    std::string stanza;      // for a dpkg status file, as an installed one; ends with a newline

    bool operator==(const DebianPackage&) const = default;
};

// One line for each package from `apt-get --print-uris`; no digest and no stanza yet. Throws
// sys::Error{broken} for a line that looks like one and cannot be read. Other lines are passed.
std::vector<DebianPackage> parse_uris(std::string_view output);

// The stanzas of `apt-cache show`, without the blank lines between them.
std::vector<std::string> split_stanzas(std::string_view text);

// The one-line value of a field; empty if the stanza has none.
std::optional<std::string> field(std::string_view stanza, std::string_view name);

// A stanza of a package list as dpkg would have it after an installation: with a status, without
// what is about the downloaded file. Ends with one newline.
std::string installed_stanza(std::string_view stanza);

// Fills digests and stanzas of packages from those of `apt-cache show`. Throws sys::Error{broken}
// for one that is missing there, has no SHA-256 or another size.
void complete(std::vector<DebianPackage>& packages, std::string_view shown);

// Name → version from `apt-cache policy`; without those that have no candidate.
std::map<std::string, std::string> parse_policy(std::string_view output);

// The upstream part of a Debian version as strict semver: without epoch, revision and what Debian
// or upstream hung on it ("+dfsg", "~rc1"), missing parts 0. Empty if there is no number in it.
std::optional<std::string> upstream_version(std::string_view version);

// The share in percent of a line that apt writes to its status descriptor while it downloads.
std::optional<double> parse_download_status(std::string_view line);

// What apt found wrong, as one line: its errors, and unmet dependencies if it named some. Without
// passwords. Empty if it said nothing of the kind.
std::string apt_errors(std::string_view output, std::string_view errors);

// Whether apt's errors mean that a package does not exist, and not that something failed.
bool names_missing_package(std::string_view errors);

}  // namespace packages
