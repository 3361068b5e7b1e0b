// What the keeper is told when it is started: a plain value, read from its arguments.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace keeper {

struct Options {
    int socket = -1;             // to the daemon
    std::string instance;        // names cgroups and containers
    std::string run_directory;   // ours alone: lock, mount points
    std::string data_directory;  // the daemon's; containers see its layers
    std::string init_program;    // copied into the containers' root
    std::string cgroup;          // "auto", or the group all ours go under
    std::uint32_t first_uid =
        0;  // of runner 0; runner n has the 65536 ids from first_uid + n * 65536
    std::string daemon_memory;  // for the cgroup of the daemon and this; "max": no limit
    uid_t daemon_uid = 0;
    gid_t daemon_gid = 0;
};

inline constexpr std::uint32_t ids_per_runner = 65536;

}  // namespace keeper
