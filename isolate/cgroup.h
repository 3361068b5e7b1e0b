// The limits and the accounts of one runner's jobs: cgroup v1, hybrid and v2 behind six verbs.
//
// The keeper finds, makes and opens everything when the runner starts; here there are only
// descriptors, so a job costs no path look-up, needs no privilege, and nothing is ever moved from
// group to group. On v1 one group with its counters serves all jobs of the runner in turn: limits
// are written, the peak is reset, the rest is read as differences. On v2 each stage gets a leaf of
// its own, into which it is born, because kernels before 6.12 cannot reset memory.peak.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "config/limits.h"
#include "isolate/protocol.h"
#include "isolate/sys/fd.h"

namespace isolate {

// What one stage used, as the kernel counted it.
struct Usage {
    std::chrono::microseconds cpu_time{0};  // all processes, and about 1 ms of making the box
    config::Bytes memory;                   // peak of resident pages and files in the box
    int oom_kills = 0;                      // processes the kernel killed for memory

    bool operator==(const Usage&) const = default;
};

class Cgroup {
public:
    virtual ~Cgroup() = default;

    // Sets the limits and opens the accounts for the stage that is started next. Returns the leaf
    // the stage must be cloned into, or -1 if it is born in the right group anyway. So many
    // processes are the runner's for longer than a stage (zygote.h): where they are in the same
    // group they are not the stage's. Throws sys::Error.
    virtual int begin(const config::Limits& limits, int residents) = 0;

    // Begins the accounts anew: what the stage has used so far is nobody's. On v2 before Linux 6.12
    // the peak of memory stays. Throws sys::Error.
    virtual void restart_accounts() = 0;

    // CPU time of the stage so far.
    virtual std::chrono::microseconds cpu_time() const = 0;

    // CPU time of everything that ever ran in the runner's group, the spawner's work for it and a
    // zygote's included. Throws sys::Error.
    virtual std::chrono::microseconds cpu_time_of_all() const = 0;

    // The stage's share of the processors against the stages of other runners, where they want
    // more than there are (share.h). It is whole until this is called.
    virtual void set_share(int share) = 0;

    // Takes the CPU quota off and gives the whole share back. A throttled group dies 10 to 30 times
    // slower, because every process must be scheduled once to die.
    virtual void lift_cpu_limits() = 0;

    // Closes the accounts. Call it when the stage is gone, but for a PID 1 that is about to exit.
    virtual Usage end() = 0;

    // Gives back what the last stage alone needed. Call it when its PID 1 is gone too; the next
    // begin() does it as well.
    virtual void leave() = 0;

    // Processes and threads in the group now; the spawner is one.
    virtual int processes() const = 0;
};

// The group behind the descriptors that came with runner_started (protocol.h). Throws sys::Error if
// they are not what the message says.
std::unique_ptr<Cgroup> make_cgroup(const RunnerStarted& started, std::vector<sys::UniqueFd> files);

// The parsers of control files, for both versions. Zero if the field is not there.
std::uint64_t field_of(std::string_view text, std::string_view field);
std::uint64_t number_of(std::string_view text);

}  // namespace isolate
