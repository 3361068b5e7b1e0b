// The spawner: the process in a container that makes boxes and clones stages into them.
//
// It lives in the cgroup that limits the jobs, placed there once by the keeper, so that what it
// clones is born there (cgroup v1) and what it writes into a box is charged there. Stages are
// cloned with CLONE_PARENT: init, which is outside of the limits, is their parent, reaps them and
// can kill them.
#pragma once

#include "isolate/sys/fd.h"

namespace isolate {

// Serves the daemon's messages on `work` until it is closed; then, or when the daemon breaks the
// protocol, exits, which makes init exit and ends the container. `mounts` is this process's mount
// namespace (man 7 namespaces).
[[noreturn]] void serve_boxes(const sys::UniqueFd& work, sys::UniqueFd mounts);

}  // namespace isolate
