// What can be installed at this moment: recipes, with the versions Debian has for them, and what
// the index lists.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "packages/catalog.h"
#include "packages/debian.h"
#include "packages/installer.h"
#include "packages/store.h"

namespace packages {

// For one thread at a time; what it refers to outlives it.
class Available {
public:
    Available(const Store& store, const InstallerSettings& settings, Debian& debian)
        : store_(store), settings_(settings), debian_(debian) {}

    // Everything. Debian is asked for its package lists the first time.
    std::vector<Offer> offers();

    // The same, and the versions of this package are known, whatever that takes.
    std::vector<Offer> offers_for(const std::string& name, const ProgressSink& progress,
                                  std::stop_token stop);

    // What is wrong with the sources of the last offers(), in one sentence; empty if nothing is.
    const std::string& trouble() const { return trouble_; }

private:
    void fill_in_debian_versions(std::vector<Offer>& offers);
    void append_index(std::vector<Offer>& offers);
    std::string index_text();

    const Store& store_;
    const InstallerSettings& settings_;
    Debian& debian_;
    std::string trouble_;
};

}  // namespace packages
