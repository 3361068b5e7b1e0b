// A runner as the daemon sees it: two sockets into one container, its cgroup, and how often it was
// used.
//
// Owned by the pool or by the one lease that has it, never by both, so it needs no lock. A socket
// error or an unexpected answer throws; whoever holds the runner then marks it broken, and the pool
// replaces it.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "isolate/cgroup.h"
#include "isolate/messages.h"
#include "isolate/protocol.h"
#include "isolate/sys/error.h"
#include "isolate/sys/socket.h"
#include "isolate/zygote.h"

namespace isolate {

class Runner {
public:
    // `serial` tells this container from earlier ones with the same index.
    Runner(std::uint32_t serial, const RunnerStarted& started, sys::PassedFds fds);

    std::uint32_t index() const { return index_; }
    std::uint32_t serial() const { return serial_; }
    Cgroup& cgroup() { return *cgroup_; }
    const sys::UniqueFd& ctl() const { return ctl_; }

    // A uid in the container that no earlier job of this runner had lately, and the count of jobs.
    std::uint32_t next_uid();
    int jobs() const { return jobs_; }

    // True while init has nothing to say, as it must be between jobs; false also when it is gone.
    bool is_quiet() const;

    // The PID 1 of a stage has nothing left to do but to exit. Until init says that it is gone no
    // other stage begins here.
    struct Leaving {
        std::int32_t pid;
        std::chrono::steady_clock::time_point since;
    };
    void expect_end(std::int32_t pid) { leaving_ = {pid, std::chrono::steady_clock::now()}; }
    const std::optional<Leaving>& leaving() const { return leaving_; }
    // Waits for that, if it is to be waited for. Silence beyond the patience throws.
    void settle(std::chrono::milliseconds patience);

    // The pid of the stage of which init says that it has ended. Nothing if it was the zygote: then
    // the runner is not what it was, and broken.
    std::optional<std::int32_t> hear_end(std::chrono::milliseconds patience);

    bool broken() const { return broken_; }
    void mark_broken() { broken_ = true; }
    // What stands ready here to be forked, from job to job.
    std::optional<Zygote> zygote;

    // As on its first day: nobody's program has run in it.
    void mark_proven() { broken_ = false, jobs_ = 0; }

    // Orders to the spawner and to init. A payload that does not fit a message travels in a memfd.
    // What is told later, because nothing answers it, is told with the next order at the latest:
    // the spawner has to wake up once for all of them.
    template <typename Body>
    void tell_spawner_later(Verb verb, const Body& body,
                            std::span<const std::span<const std::byte>> payload = {}) {
        queue({verb, sys::bytes_of(body), payload});
    }
    template <typename Body>
    void tell_spawner(Verb verb, const Body& body,
                      std::span<const std::span<const std::byte>> payload = {},
                      std::span<const int> fds = {}) {
        tell_with_queue({verb, sys::bytes_of(body), payload}, fds);
    }
    void tell_spawner(Verb verb) { tell_with_queue({verb, {}, {}}, {}); }
    void give_filter(std::span<const std::byte> program);
    template <typename Body>
    void tell_init(Verb verb, const Body& body) {
        tell(ctl_, {verb, sys::bytes_of(body), {}}, {});
    }

    // The next answer, of either of two kinds; anything else, and silence beyond the patience,
    // throws.
    Answer hear_spawner(std::chrono::milliseconds patience) { return hear(work_, patience); }
    Answer hear_init(std::chrono::milliseconds patience) { return hear(ctl_, patience); }

private:
    struct Order {
        Verb verb;
        std::span<const std::byte> body;
        std::span<const std::span<const std::byte>> payload;
    };

    void tell(const sys::UniqueFd& socket, const Order& order, std::span<const int> fds);
    void queue(const Order& order);
    void tell_with_queue(const Order& order, std::span<const int> fds);
    bool append(const Order& order);
    void send_queue(std::span<const int> fds);
    Answer hear(const sys::UniqueFd& socket, std::chrono::milliseconds patience);

    std::uint32_t serial_;
    std::uint32_t index_;
    sys::UniqueFd ctl_, work_;
    std::vector<std::byte> queued_;  // the payload of Verb::orders
    std::unique_ptr<Cgroup> cgroup_;
    std::optional<Leaving> leaving_;
    int jobs_ = 0;
    bool broken_ = false;
};

}  // namespace isolate
