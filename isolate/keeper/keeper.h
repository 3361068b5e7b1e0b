// The keeper's loop: starts and stops containers for the daemon, and cleans up whatever ends.
//
// One thread, one poll. A start is asynchronous: the container boots while others do; only when its
// init and spawner have both reported, with pids the kernel vouches for, is it handed to the
// daemon. If the daemon is gone the keeper ends every container, removes every cgroup, and exits.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "isolate/keeper/container.h"
#include "isolate/keeper/groups.h"
#include "isolate/keeper/options.h"
#include "isolate/keeper/root.h"
#include "isolate/protocol.h"
#include "isolate/sys/fd.h"
#include "isolate/sys/socket.h"

namespace keeper {

class Keeper {
public:
    // Takes the engine's lock, sweeps what an earlier engine of this name left, lays out the root.
    // Throws sys::Error if another engine holds the lock or the machine lacks something.
    explicit Keeper(const Options& options);
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;
    // Stops and sweeps everything, whatever it ends for.
    ~Keeper();

    // Serves until the daemon closes its end.
    void serve();

private:
    struct Runner {
        pid_t monitor = -1;
        sys::UniqueFd ctl, work;      // our ends, until both have reported
        pid_t init = 0, spawner = 0;  // host pids, 0 until reported
        sys::UniqueFd init_pidfd;
        std::uint32_t serial = 0;  // of the start that is not yet answered
        std::chrono::steady_clock::time_point deadline;
        bool handed_over = false;
    };
    using Runners = std::map<std::uint32_t, std::unique_ptr<Runner>>;

    bool handle_order();
    void start(std::uint32_t index, std::uint32_t serial);
    [[noreturn]] void become_monitor(std::uint32_t index, Runner& runner, sys::UniqueFd ctl,
                                     sys::UniqueFd work);
    void hear(std::uint32_t index, Runner& runner, const sys::UniqueFd& socket, pid_t& reported);
    void hand_over(std::uint32_t index, Runner& runner);
    void kill(Runner& runner);
    void reap();
    void tell_end(std::uint32_t index, int error, const std::string& reason);
    void end_late_starters();
    void stop_everything();

    Options options_;
    sys::UniqueFd lock_;
    sys::UniqueFd daemon_;
    sys::UniqueFd child_signals_;
    Root root_;
    Groups groups_;
    Runners runners_;
};

}  // namespace keeper
