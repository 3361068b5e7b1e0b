// From installed packages to runtimes that can run jobs: a pure function.
#pragma once

#include <memory>
#include <vector>

#include "config/settings.h"
#include "engine/runtime.h"
#include "packages/record.h"

namespace engine {

// What the packages provide, in their order; a package that is not finished (pending_setup) or
// lacks another that it lies on is passed over, and said so in the log. Limits are made as those of
// host toolchains.
std::vector<std::shared_ptr<const Runtime>> runtimes_of(
    const std::vector<packages::Record>& records, const config::Settings& settings);

// Both kinds in one list. Where a package and the host have the same version of a language,
// somebody installed the package on purpose: the host's is left out.
std::shared_ptr<const Runtimes> merged(std::vector<std::shared_ptr<const Runtime>> packaged,
                                       const Runtimes& host, config::Pins pins);

}  // namespace engine
