// Packages in Piston's own form: a tarball with pkg-info.json, run, compile and environment, which
// must lie at /piston/packages/<name>/<version> because its scripts say so (contract section 3.3).
// Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "packages/package.h"

namespace packages {

// Where such a package lies in its root, without the leading slash.
std::string piston_prefix(const std::string& name, const std::string& version);

// The runtimes that pkg-info.json promises; `compiled` says whether there is a compile script.
// Throws sys::Error{invalid}: "<prefix>/pkg-info.json: <why>".
std::vector<Provided> piston_runtimes(std::string_view pkg_info, const std::string& prefix,
                                      bool compiled);

// The script whose own environment (NUL-separated on its standard output) becomes that of the
// runtimes: sources `environment` as Piston does, from an empty environment, but in a box.
std::string piston_environment_script(const std::string& prefix);

}  // namespace packages
