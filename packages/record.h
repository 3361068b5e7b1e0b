// What the store knows about one installed package: a plain value, kept as one JSON file.
//
// A package is installed if its record is there, and not before: the record is written last, by one
// rename, and removed first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "packages/package.h"

namespace packages {

// A tree of files in the store, with the digest that `verify` compares (tree.h).
struct Layer {
    std::string name;    // of its directory
    std::string digest;  // "sha256:<hex>" of names, modes, links and contents
    std::uint64_t bytes = 0;

    bool operator==(const Layer&) const = default;
};

// One thing the package was made from: a Debian package, a tarball, a jar.
struct Part {
    std::string name, version;
    std::string digest;  // of the downloaded file, as it was checked

    bool operator==(const Part&) const = default;
};

// Libraries that were added to the package: a layer of their own above it.
struct AddedLibraries {
    std::vector<std::string> names;  // as they were asked for
    std::vector<Part> parts;
    Layer layer;

    bool operator==(const AddedLibraries&) const = default;
};

struct Record {
    std::string name;
    std::string version;  // exact, strict semver
    std::string summary;
    std::string source;     // "debian", "npm", "maven", …; "piston" for Piston's tarballs
    bool asked_for = true;  // false: only because another package depends on it
    std::vector<std::string> depends;  // names of packages, the uppermost layer first
    std::vector<Layer> layers;         // its own, the uppermost first
    std::vector<Part> parts;
    std::vector<AddedLibraries> libraries;
    std::optional<Libraries> library_source;
    // dpkg stanzas of what the layers hold, for packages resolved on top of them.
    std::string dpkg_status;
    std::vector<Provided> provides;
    // Runs in a box before the package can be used (Package::setup); empty when nothing is left to
    // do. Written by the installer, run by the engine.
    std::string pending_setup;
    // The same script again, because libraries came after it; what it made before is used
    // meanwhile.
    std::string stale_setup;
    // Likewise a script after which its own environment becomes that of the runtimes; Piston's
    // packages have one.
    std::string pending_environment;
    std::string trouble;            // why what is pending could not be done; empty: not tried yet
    std::int64_t installed_at = 0;  // seconds since the epoch

    std::uint64_t bytes() const;

    // Whether the engine still has something to do for it.
    bool pending() const {
        return !pending_setup.empty() || !stale_setup.empty() || !pending_environment.empty();
    }

    bool operator==(const Record&) const = default;
};

std::string to_json(const Record& record);

// Throws sys::Error{invalid}: "<file>: <why>".
Record parse_record(std::string_view text, const std::string& file);

}  // namespace packages
