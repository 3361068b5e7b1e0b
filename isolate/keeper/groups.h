// The cgroups of all runners: found, made, handed out and removed by the keeper.
//
// libcgroup finds where the controllers are and makes the engine's own group; below it plain mkdir
// is enough, and 200 times cheaper. On cgroup v1 (and hybrid hosts) every controller has its
// hierarchy; on v2 there is one. The layout below the engine's group is the same in all of them:
//
//   <root>/rN            made by liblxc; root of the container's cgroup namespace
//   <root>/rN/init       v2 only: init, because a group with limits below it may hold no process
//   <root>/rN/job        v1: limits; the spawner, and every stage it clones
//   <root>/rN/jobs       v2: limits of all together; below it `spawner` and one leaf per stage,
//   made by
//                        the daemon, who owns the directory and nothing above it
//   <root>/mon-rN        liblxc's monitor
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "isolate/keeper/options.h"
#include "isolate/protocol.h"
#include "isolate/sys/fd.h"

namespace keeper {

class Groups {
public:
    // Finds the hierarchies and makes the engine's group in each. Throws sys::Error{broken} saying
    // which controller is missing.
    explicit Groups(const Options& options);
    Groups(const Groups&) = delete;
    Groups& operator=(const Groups&) = delete;
    // Removes everything of ours.
    ~Groups();

    isolate::CgroupVersion version() const { return version_; }

    // The engine's group as liblxc wants it: relative to the root of the hierarchy, no leading
    // slash.
    const std::string& root() const { return root_; }

    // What a daemon needs to limit and measure the jobs of one runner.
    struct Controls {
        std::uint32_t present = 0;         // v1: a bit per ControlFile
        std::vector<sys::UniqueFd> files;  // v1: those present; v2: jobs, memory.max, pids.current
    };

    // Makes the groups below rN and places init and spawner in them.
    Controls make_runner(std::uint32_t index, pid_t init, pid_t spawner) const;

    // Removes the groups of one runner, or everything of ours, killing what is still inside. Groups
    // that stay busy for two seconds are left and logged.
    void remove_runner(std::uint32_t index) const;
    void remove_all() const;

private:
    struct Swept {};
    Groups(const Options& options, Swept);

    void find_controllers();
    void find_root(const std::string& wanted);
    void enable_controllers() const;
    void limit_daemon() const;
    Controls make_v1(const std::string& runner, pid_t spawner) const;
    Controls make_v2(const std::string& runner, pid_t init, pid_t spawner, uid_t first_uid) const;
    void make_engine_group() const;

    const Options& options_;
    isolate::CgroupVersion version_ = isolate::CgroupVersion::v1;
    std::string memory_, pids_, cpu_, cpuacct_;  // mount points; on v2 all the same
    std::vector<std::string>
        hierarchies_;  // every cgroup mount: liblxc makes groups in all of them
    std::string root_;
};

}  // namespace keeper
