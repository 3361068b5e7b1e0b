// From toolchains that were found to runtimes that can run jobs: a pure function.
#pragma once

#include <memory>
#include <vector>

#include "config/settings.h"
#include "engine/runtime.h"
#include "packages/host.h"

namespace engine {

// One runtime per toolchain, in their order. The limits of each are the configured ones, changed by
// the recipe, changed by what the operator set for the language.
std::shared_ptr<const Runtimes> runtimes_of(const std::vector<packages::Installed>& toolchains,
                                            const config::Settings& settings);

}  // namespace engine
