// The last step of an installation that has one: a package's own script, run where it can do no
// harm.
//
// Such a script (Package::setup, the `environment` of a package of Piston's) is somebody else's
// code, so it runs like a job: in a box, on the package's own root, without a network.
#pragma once

#include <stop_token>
#include <vector>

#include "isolate/pool.h"
#include "packages/record.h"
#include "packages/store.h"

namespace packages {

// Runs what is pending in the record, and returns it finished: with a layer more if the script
// wrote files, with the environment of the runtimes filled in. `records` are all that are
// installed. Throws sys::Error{broken} with what the script said if it failed.
Record finish(const Record& record, const std::vector<Record>& records, const Store& store,
              const Transaction& transaction, isolate::Pool& pool, std::stop_token stop);

// NUL-separated variables as a script's `env -0` writes them, without those a shell makes for
// itself.
std::vector<std::string> parse_environment(std::string_view text);

}  // namespace packages
