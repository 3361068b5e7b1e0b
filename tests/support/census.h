// Everything a running engine has on its host, counted by kind, so that the host after a hostile
// job can be compared with the host before it: processes of its uid range and of its programs,
// cgroups beneath its own, mounts of this namespace and of its processes' namespaces, namespaces
// themselves, descriptors of daemon and keeper, System V and POSIX objects, temporary files,
// resident memory of the daemon. Pids and inode numbers do not count: a container may be replaced
// by its like. Nor does it count what a program that stands ready for a job is called: which ones
// do depends on the jobs before, how many at rest does not. And what a runner's zygote is and holds
// is left out, of one a runner: whether there is one depends on the jobs before as well.
#pragma once

#include <map>
#include <string>

#include "tests/support/engine_process.h"

namespace support {

struct Census {
    std::map<std::string, int> counts;  // kind of thing → how many
    long daemon_kib = 0, keeper_kib = 0;

    bool operator==(const Census&) const = default;
};

Census take_census(const EngineProcess& engine);

// The census of an engine that has nothing to do: taken until two in a row are the same and all
// `runners` are there. Where programs are kept started, jobs of bash are run before until all their
// places are taken, each with a runner, which then stays so. Throws std::runtime_error if that does
// not come (20 s).
Census settled_census(const EngineProcess& engine, int runners);

// Takes the census until it is as `before`, for 10 s at most: a container is inspected, and
// replaced, after its answer. Returns what differs, one a line; empty is what every test wants. Of
// memory, the daemon and the keeper may have grown by what caches and allocators keep, and no more.
std::string changes_since(const Census& before, const EngineProcess& engine);

}  // namespace support
