// A job's private place in a leased runner: new for every job and gone with it.
//
// The box is one tmpfs in the container, with a size and an inode limit, holding the job's
// directory, /tmp and /dev/shm; compile and run share it. Files are written by the spawner as the
// job's user, beneath the job's directory; the daemon never opens a path in it. Orders are sent
// without waiting: the first that failed is reported by start(). The box is closed by the pool when
// the lease ends, off the path of the request.
#pragma once

#include <chrono>
#include <string_view>

#include "isolate/command.h"
#include "isolate/pool.h"
#include "isolate/process.h"
#include "isolate/tree.h"

namespace isolate {

class Box {
public:
    // Opens a box of that size in the runner.
    Box(Lease lease, BoxSize size);

    // A file in the job's directory; `name` may have directories in it.
    void place(std::string_view name, std::string_view content);

    // An entry of another box's directory (tree.h).
    void place(const TreeEntry& entry);

    // An executable script beside it, /box/<name>, that the job cannot change.
    void place_script(std::string_view name, std::string_view text);

    // Waits until all that was placed is there. Throws sys::Error{invalid} if a file could not be
    // made.
    void check();

    // Starts a stage: fresh pid, mount, ipc and cgroup namespaces, born in the cgroup that limits
    // it. Throws sys::Error: broken if it could not be started, invalid if a file could not be
    // made.
    // With `gate` the program gets that descriptor, by the number its gate expects (gate/word.h).
    Process start(const Command& command, const sys::UniqueFd& gate = {});

    // The same by a fork of the runner's zygote, which must serve such a command.
    Process fork(const Command& command, const sys::UniqueFd& gate);

    // Starts a zygote, which is the runner's from then on and serves for so long; waits until it
    // stands. Nothing may be placed in this box, for the zygote keeps it. Throws
    // sys::Error{broken}.
    void start_zygote(const ZygoteKey& key, config::Milliseconds age,
                      std::chrono::milliseconds patience);

    // Closes the box. Throws sys::Error{broken} if it is still there.
    Lease close();

    Runner& runner() { return lease_.runner(); }

private:
    struct Order {
        Verb verb = Verb::spawn_stage;
        bool from_zygote = false;
        std::chrono::milliseconds patience;
    };
    Process spawn(const Command& command, const sys::UniqueFd& gate, const Order& order);
    void send_file(Place place, std::string_view name, std::string_view content);
    [[noreturn]] void refuse(const Fault& fault);

    Lease lease_;
    std::uint32_t uid_;
};

}  // namespace isolate
