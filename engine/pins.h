// Versions that programs out there ask for by heart, and what runs instead: pure functions.
//
// Public code copies one table of exact versions again and again, those a public Piston had for
// years. An exact version is a range that only itself satisfies, so newer toolchains answer such
// clients with "runtime is unknown". An operator may ask for leniency
// (packages.accept_pinned_versions); the reply then names the version that really ran.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "engine/runtime.h"
#include "packages/version.h"

namespace engine {

// True for the versions of Piston's packages, and some it never had, that clients are known to
// send.
bool is_known_pin(std::string_view language, std::string_view version);

// The nearest of the runtimes that answer to the name: the next newer one of the same major
// version, else the newest older one of it, else the next newer, else the newest. Null if there is
// none.
std::shared_ptr<const Runtime> nearest(const std::vector<std::shared_ptr<const Runtime>>& runtimes,
                                       std::string_view language, const packages::Version& wanted);

}  // namespace engine
