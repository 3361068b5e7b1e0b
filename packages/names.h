// Names of things in other people's registries, and how they go into an address.
//
// Everything that becomes part of an address or an argument of a client is checked here first, by
// grammars stricter than those of the registries: what is refused is not quoted but does not
// happen. Pure functions.
#pragma once

#include <string>
#include <string_view>

namespace packages {

// Non-empty, at most 214 characters (npm's bound) of letters, digits and those of `also`, the first
// a letter or a digit. So it is never an option, a hidden file or a way up.
bool is_plain_name(std::string_view text, std::string_view also);

// By kind of registry. A Debian name does not end in "-", which apt-get takes for a removal.
bool is_debian_name(std::string_view text);
bool is_npm_name(std::string_view text);   // "name", "@scope/name"
bool is_pypi_name(std::string_view text);  // PEP 508
bool is_maven_group(std::string_view text);
bool is_go_module(std::string_view text);

// Strict semver without a leading "v".
bool is_exact_version(std::string_view text);

// One component of a path that can be made in any directory: printable, without a slash, not "."
// or "..", not hidden.
bool is_file_name(std::string_view text);

// An address with the scheme https, http or file that means the same to everybody: printable ASCII
// without blanks, quotes, backslashes and fragments, at most 2048 characters.
bool is_address(std::string_view text);

// All but RFC 3986's unreserved characters and those of `keep` as %XX.
std::string percent_encoded(std::string_view text, std::string_view keep);

// The text as a name in a message: quoted, control characters as "?", at most 80 bytes.
std::string in_quotes(std::string_view text);

// The text with "user:password@" taken out of every address in it.
std::string without_passwords(std::string_view text);

}  // namespace packages
