// Starting crankcase-keeper as a child process.
#pragma once

#include <sys/types.h>

#include <string>

#include "config/settings.h"
#include "isolate/filter.h"
#include "isolate/sys/fd.h"

namespace isolate {

struct KeeperProcess {
    pid_t pid = -1;        // ours to reap
    sys::UniqueFd socket;  // when it is closed everywhere, the keeper ends everything and exits
};

// Whom the keeper works for: the user the daemon runs as.
struct DaemonUser {
    uid_t uid = 0;
    gid_t gid = 0;
};

// Forks and executes <programs>/crankcase-keeper. Call it before there is a second thread, as root.
// It and everything in its containers have the filter; an empty one is none. Throws sys::Error if
// there is no such program; that the keeper cannot do its work shows as end of file.
KeeperProcess start_keeper(const config::Settings& settings, const DaemonUser& user,
                           const std::string& programs, const Filter& filter = {});

// The version of the library that <programs>/crankcase-keeper makes containers with, as that
// program says it; empty if it cannot be asked. It is started for that, and ends.
std::string lxc_version_of(const std::string& programs);

// The directory this program was started from: its companions lie beside it.
std::string program_directory();

}  // namespace isolate
