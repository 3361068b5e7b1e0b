// Installs, upgrades and removes packages: from an offer to a record in the store.
//
// Everything here runs as the engine's unprivileged user, in the daemon or in the command-line
// tool, and may be killed at any moment: until the record is written nothing has happened.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "config/settings.h"
#include "packages/catalog.h"
#include "packages/store.h"

namespace packages {

// What is told while something is being done. Sizes in bytes; a total of 0 is not known.
struct Progress {
    enum class Step { waiting, resolving, downloading, unpacking, finishing, removing };

    Step step = Step::resolving;
    std::string package;  // which one
    std::string object;   // what of it: a file's name, an address
    std::uint64_t done = 0, total = 0;
};
using ProgressSink = std::function<void(const Progress&)>;

// Where things come from and how much of them may come; from the settings `packages.*`.
struct InstallerSettings {
    std::vector<std::string> recipe_directories;
    std::string index_url;  // of Piston's index; empty: none
    std::string index_key;  // base64 of an ed25519 key: the index must have a signature (<url>.sig)
    // Base addresses that outrank the machine's own clients; empty: as those say.
    std::string npm, pypi, maven, go;
    bool allow_private_addresses = true;    // of downloads
    bool offline = false;                   // nothing but the cache and bundles
    std::uint64_t most_bytes = 8ULL << 30;  // of one unpacked package
    std::uint64_t least_rate = 0;           // of downloads, bytes a second; 0: any
};

// From the settings; `recipes` is where those that come along lie.
InstallerSettings installer_settings(const config::Settings& settings, const std::string& recipes);

// "NAME", "NAME=RANGE" or "NAME@RANGE".
struct Request {
    std::string name;
    std::string range = "*";
    std::vector<std::string> libraries;  // --with
};

// Throws sys::Error{invalid} naming what is wrong.
Request parse_request(const std::string& text);

class Installer {
public:
    Installer(const Store& store, InstallerSettings settings);
    Installer(const Installer&) = delete;
    Installer& operator=(const Installer&) = delete;
    ~Installer();

    // What can be installed, Debian versions filled in where the package lists are at hand. An
    // index that cannot be reached is replaced by its last copy; `trouble()` says so.
    std::vector<Offer> offers();
    std::string trouble() const;

    // Installs the newest offer that satisfies the request, and what it depends on. Of a package
    // that is there already, only the libraries are added. Throws sys::Error: not_found if nothing
    // satisfies the request, busy if `stop` was requested, invalid and broken with what went wrong.
    Record install(const Request& request, const ProgressSink& progress, std::stop_token stop);

    // Removes one installed package, of several versions the newest in the range. Its layers go
    // when no running job needs them (collect_garbage). Throws Error{not_found}, and Error{invalid}
    // if other packages depend on it.
    Record uninstall(const Request& request);

    // What `upgrade` would install: newer offers of installed packages.
    std::vector<Request> upgrades();

    // Writes everything an offline install of these needs into one tar; and puts such a tar's
    // contents into the cache.
    void bundle(const std::vector<Request>& requests, const std::string& file,
                const ProgressSink& progress, std::stop_token stop);
    std::vector<Request> unbundle(const std::string& file);

private:
    class Work;
    const Store& store_;
    InstallerSettings settings_;
    std::unique_ptr<Work> work_;
};

}  // namespace packages
