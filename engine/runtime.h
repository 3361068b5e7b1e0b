// A runtime: an installed language version that can run jobs, and the list of them.
//
// Both are plain values. Runtimes is an immutable snapshot behind a shared pointer, replaced whole
// when something is installed or found; jobs keep the Runtime they started with.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/limits.h"
#include "config/settings.h"
#include "packages/script.h"

namespace engine {

struct Runtime {
    std::string language;
    std::string version;  // exact, strict semver
    std::vector<std::string> aliases;
    std::optional<std::string> package;  // shown only for packages of several languages
    std::optional<packages::Script> compile;
    packages::Script run;
    std::vector<std::string> environment;  // "KEY=value"
    config::StageLimits limits;            // effective limits and the ceiling of requests
    // Its root (isolate::Command::layers); null: the host's. Whoever removes layers looks at who
    // still holds these lists.
    std::shared_ptr<const std::vector<std::string>> layers = {};
    std::string program = {};  // of a toolchain of the host: its path

    bool compiled() const { return compile.has_value(); }
    bool answers_to(std::string_view name) const;  // language or alias, exact case

    bool operator==(const Runtime&) const = default;
};

struct Runtimes {
    std::vector<std::shared_ptr<const Runtime>> all;  // in the order in which they are listed
    config::Pins pins = config::Pins::no;             // exact versions that nobody has (pins.h)

    // The newest runtime that answers to the name and satisfies the semver range; of equal versions
    // the one listed first. Where there is none, the nearest to an exact version, if `pins` says
    // so. Empty if there is none or the range cannot be parsed. (Contract section 6.)
    std::shared_ptr<const Runtime> find(std::string_view language, std::string_view range) const;
};

}  // namespace engine
