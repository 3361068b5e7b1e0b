// A runner of the tool's own, for as long as it takes to try whether it holds: the same keeper,
// containers and boxes as the engine's, under another name and with other ids, so that an engine
// may run meanwhile.
#pragma once

#include <optional>
#include <string>

#include "config/settings.h"
#include "isolate/keeper_process.h"

namespace cli {

// What is wrong; empty: nothing; absent: could not be tried, because the other failed.
struct TrialResult {
    std::optional<std::string> self_test, memory_kill;
};

// For root, before there is a second thread. Everything it made is gone when it returns. Throws
// sys::Error if there is no keeper to start.
TrialResult try_boxes(config::Settings settings, const isolate::DaemonUser& user,
                      const std::string& seccomp_policy);

// Has a keeper take the engine's lock, sweep what earlier engines of this name left, and end. For
// root. Returns false if it could not, which it has logged.
bool sweep(const config::Settings& settings, const isolate::DaemonUser& user);

}  // namespace cli
