// Whom the commands list, install and uninstall with: this machine's store, or a remote engine.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "packages/catalog.h"
#include "packages/installer.h"
#include "packages/record.h"

namespace cli {

// One version of a package: installed, or to be had, or both.
struct Listed {
    std::string name, version;
    std::string summary, source;         // empty where nobody says
    std::vector<std::string> languages;  // it provides
    bool installed = false;
    bool available = false;
    bool asked_for = true;    // false: installed because another package needs it
    std::string newer;        // of the newest installed version: what `upgrade` would install
    std::uint64_t bytes = 0;  // installed

    bool operator==(const Listed&) const = default;
};

// By name and ascending version; versions that are no semver ("debian:php8.2-cli", not asked for
// yet) first, and not where a version of the package is installed. Pure.
std::vector<Listed> listing(const std::vector<packages::Record>& records,
                            const std::vector<packages::Offer>& offers);

// Sorts, and fills in `newer`. Pure.
void complete(std::vector<Listed>& list);

struct Done {
    std::string name, version;
    bool already = false;  // nothing had to be done
    bool pending = false;  // the engine has to do its last step yet

    bool operator==(const Done&) const = default;
};

class Backend {
public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    // All of them throw sys::Error and Failure.
    virtual std::vector<Listed> list() = 0;
    virtual Done install(const packages::Request& request, const packages::ProgressSink& progress,
                         std::stop_token stop) = 0;
    virtual Done uninstall(const packages::Request& request, const packages::ProgressSink& progress,
                           std::stop_token stop) = 0;
    // What is worth knowing about the last list, such as an index that could not be reached.
    virtual std::string trouble() const { return {}; }
};

}  // namespace cli
