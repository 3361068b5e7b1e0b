// A job's private place in a leased runner: new for every job and gone with it.
//
// The box is one tmpfs in the container, with a size and an inode limit, holding the job's
// directory, /tmp and /dev/shm; compile and run share it. Files are written by the spawner as the
// job's user, beneath the job's directory; the daemon never opens a path in it. Orders are sent
// without waiting: the first that failed is reported by start(). The box is closed by the pool when
// the lease ends, off the path of the request.
#pragma once

#include <string_view>

#include "isolate/command.h"
#include "isolate/pool.h"
#include "isolate/process.h"

namespace isolate {

class Box {
public:
    // Opens a box of that size in the runner.
    Box(Lease lease, config::Bytes disk, int entries);

    // A file in the job's directory; `name` may have directories in it.
    void place(std::string_view name, std::string_view content);

    // An executable script beside it, /box/<name>, that the job cannot change.
    void place_script(std::string_view name, std::string_view text);

    // Starts a stage: fresh pid, mount, ipc and cgroup namespaces, born in the cgroup that limits
    // it. Throws sys::Error: broken if it could not be started, invalid if a file could not be
    // made.
    Process start(const Command& command);

    Runner& runner() { return lease_.runner(); }

private:
    void send_file(Place place, std::string_view name, std::string_view content);
    [[noreturn]] void refuse(const Fault& fault);

    Lease lease_;
    std::uint32_t uid_;
};

}  // namespace isolate
