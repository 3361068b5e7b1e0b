// The guard: the process that was started, root, single-threaded, and deaf.
//
// It starts the keeper and the server and waits for them; it reads nothing from anybody but the
// signals of its own user. Because it stays root, a keeper that was killed can be replaced while
// the server goes on listening: the new keeper's socket is passed to the server. If the server
// ends, so does the keeper, which sweeps; if the guard is killed, the server dies with it, and
// again the keeper sweeps.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "config/settings.h"
#include "isolate/keeper_process.h"
#include "isolate/sys/fd.h"

namespace daemon_process {

// Runs the engine until it is told to stop. `serve` is what the server process does, as root still,
// with the socket that delivers keepers; what it returns is the exit code. Returns the guard's exit
// code.
int stand_guard(const config::Settings& settings, const isolate::DaemonUser& user,
                const std::function<int(sys::UniqueFd keepers)>& serve);

}  // namespace daemon_process
