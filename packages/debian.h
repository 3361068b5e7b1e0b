// Debian packages, through the machine's own apt-get: what is needed, and the files themselves.
//
// apt keeps to directories of ours and takes none of the system's locks, so it needs no root and
// nothing is ever installed: the machine's sources, keys and proxies are used, its dpkg database
// is not. What lies beneath a package already is told to apt as a dpkg status file made of the
// stanzas of those layers, so that dependencies are resolved as on a machine that consists of
// exactly them. Signatures are apt's business; sizes and digests are checked here once more.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#include "packages/debian_text.h"

namespace packages {

struct DebianSettings {
    std::string directory;  // of apt's lists, caches and locks; ours alone, made if missing
    std::chrono::seconds most_age = std::chrono::hours{24};  // of the package lists
    bool offline = false;                                    // no lists and no files are fetched
};

// The SHA-256 of a file, in hexadecimal; throws if it cannot be read.
using HashFile = std::function<std::string(const std::string& path)>;

// Bytes that are there, of all that must be.
using DownloadProgress = std::function<void(std::uint64_t done, std::uint64_t total)>;

// For one thread at a time, and one process at a time for a directory: apt's locks are there, and
// whoever comes second is refused. Every function throws sys::Error: not_found without apt-get, for
// a package that Debian does not have, or offline without what is needed; invalid for a name that
// is none; broken with apt's own words if it fails; busy if `stop` was requested.
class Debian {
public:
    explicit Debian(DebianSettings settings);

    // What has to be added to `status`, the stanzas of what is there, for the named packages and
    // all they depend on (not what they recommend); nothing if they are there already. Nothing is
    // ever removed for it. By name.
    std::vector<DebianPackage> resolve(const std::vector<std::string>& names,
                                       const std::string& status, std::stop_token stop = {});

    // The version that resolve would choose, as strict semver.
    std::string candidate_version(const std::string& name, std::stop_token stop = {});

    // The same of many at once, from the lists that are at hand, however old: empty without any,
    // and without those packages that they do not have.
    std::map<std::string, std::string> candidate_versions(const std::vector<std::string>& names,
                                                          std::stop_token stop = {});

    // Fetches what `resolve` returned, with the same `status`, into `directory`, each as its
    // file_name. Files that are there and right are kept, wrong ones replaced. apt leaves "partial"
    // and "lock" there. Afterwards all have the size and the digest that was resolved.
    void download(const std::vector<DebianPackage>& packages, const std::string& status,
                  const std::string& directory, const HashFile& hash_file,
                  const DownloadProgress& progress, std::stop_token stop = {});

private:
    void prepare() const;
    bool has_lists() const;
    void refresh(std::stop_token stop);

    DebianSettings settings_;
};

}  // namespace packages
