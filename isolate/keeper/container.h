// One LXC container from configuration to its end. The only place that knows liblxc.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "isolate/keeper/root.h"

namespace keeper {

// Everything a container is made from; a plain value.
struct ContainerPlan {
    std::string name;  // unique on the host, with lxc_path
    std::string lxc_path;
    std::string staging;  // lxc.rootfs.mount
    std::string log_file;
    Root::Mounts mounts;
    std::string group;  // cgroup of the container, relative to the hierarchy's root
    std::string monitor_group;
    std::string pivot_group;
    std::uint32_t first_uid = 0;  // host id of the container's root, 65536 ids
    int ctl = -1, work = -1;      // inherited by init: the only descriptors that are, but
    int fail_points = -1;         // of a build for tests: their file (sys/fail_point.h)
};

// Starts the container in the calling process, which becomes liblxc's monitor, and returns its exit
// code when the container has ended. Never returns to the caller's loop: call it in a fresh fork.
int run_container(const ContainerPlan& plan);

// Of the library that is loaded: "5.0.2".
const char* lxc_version();

}  // namespace keeper
