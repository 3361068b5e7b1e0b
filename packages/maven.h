// Where Maven would fetch from, by its own files: mirrors and repositories of settings.xml, and the
// default that stands in its super POM.
//
// Maven itself can say this only with a plugin it would have to download first, so its files are
// read here. They are the operator's, not a client's, and are read without resolving entities.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace packages {

// Where Maven's files are.
struct MavenFiles {
    std::vector<std::string> settings;     // the user's first; those that do not exist are passed
    std::vector<std::string> directories;  // of its jars
};

// The usual places, and those of the mvn in PATH.
MavenFiles find_maven_files();

// A settings.xml. Of its mirrors the one for the default repository ("central"), of those that name
// it first; else the repository with that name in a profile that is active by itself. `original` is
// the default's own address, against which patterns such as "external:*" are held; it may be empty.
// Throws sys::Error{invalid}: "<file>: <why>".
std::optional<std::string> parse_maven_settings(std::string_view xml, std::string_view original,
                                                const std::string& file);

// Whether a <mirrorOf> such as "*,!snapshots" means the repository.
bool mirrors(std::string_view patterns, std::string_view id, std::string_view address);

// The address of the repository "central" in a POM; empty if there is none.
std::optional<std::string> parse_super_pom(std::string_view xml);

// The default repository's address as Maven's jars have it. Empty if they are not there.
std::optional<std::string> default_maven_repository(const std::vector<std::string>& directories);

// What Maven would use. Empty if the machine has no Maven.
std::optional<std::string> maven_repository(const MavenFiles& files);

}  // namespace packages
