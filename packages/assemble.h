// From what a package says about its files to a tree that holds them: downloads, checks, unpacks,
// and applies the fix-ups that maintainer scripts would have made.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "packages/addresses.h"
#include "packages/artifact.h"
#include "packages/catalog.h"
#include "packages/debian.h"
#include "packages/fetch.h"
#include "packages/installer.h"
#include "packages/record.h"
#include "packages/store.h"

namespace packages {

// What a tree was made of.
struct Assembled {
    std::vector<Part> parts;
    std::string dpkg_status;  // stanzas of the Debian packages in it
};

// For one thread at a time; what it refers to outlives it.
class Assembler {
public:
    Assembler(const Store& store, const InstallerSettings& settings, Addresses& addresses,
              Debian& debian, const ProgressSink& progress, std::stop_token stop);

    // Fills the empty directory with a package of a recipe. `status_beneath` are the dpkg stanzas
    // of the layers it will lie on. Throws sys::Error.
    Assembled assemble(const Package& package, const std::string& status_beneath,
                       const Staging& staging);

    // Fills it with a tarball of Piston's, at the place its scripts expect.
    Assembled assemble_piston(const Offer& offer, const Staging& staging);

    // Debian packages into the directory, as one source; for packages and for libraries.
    Assembled add_debian(const std::string& package, const std::vector<std::string>& names,
                         const std::string& status_beneath, const std::vector<std::string>& remove,
                         const Staging& staging);

    // One download into the directory.
    Part add_artifact(const std::string& package, const Artifact& artifact,
                      const std::vector<std::string>& remove, const Staging& staging);

    // A small text from the network.
    std::string fetch_text(const std::string& url) const;

private:
    // Downloads, unless the cache has it, and checks; the file is open when it comes back.
    sys::UniqueFd obtain(const std::string& package, const std::string& url, const Digest& digest,
                         const std::string& name);
    void tell(Progress::Step step, const std::string& package, const std::string& object,
              std::uint64_t done = 0, std::uint64_t total = 0) const;

    const Store& store_;
    const InstallerSettings& settings_;
    Addresses& addresses_;
    Debian& debian_;
    const ProgressSink& progress_;
    const std::stop_token stop_;
};

// The pkg-info.json of a package of Piston's that was unpacked. Throws sys::Error{broken} without
// one.
std::string read_piston_info(const Staging& staging, const std::string& prefix);

}  // namespace packages
