// The server process: settings in, everything else built on its stack, and taken down in reverse.
#pragma once

#include "config/settings.h"
#include "isolate/keeper_process.h"
#include "isolate/sys/fd.h"

namespace daemon_process {

// Becomes the unprivileged user, builds pool, engine and server, and serves until SIGTERM or
// SIGINT. SIGHUP reads the settings again, from `sources`, and looks for toolchains again
// (reload.h). Returns the exit code of the process.
int serve(const config::Settings& settings, const config::Sources& sources,
          const isolate::DaemonUser& user, sys::UniqueFd keepers);

}  // namespace daemon_process
