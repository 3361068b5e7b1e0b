#include "isolate/parked.h"

#include <poll.h>
#include <sys/socket.h>

#include <span>
#include <string>
#include <utility>

#include "isolate/gate/word.h"
#include "isolate/share.h"
#include "isolate/supervise.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/log.h"

namespace isolate {

namespace {

// The files are written and the program is awake at once, but both may wait for a processor.
constexpr auto waking_patience = config::Milliseconds{5000};

struct Ends {
    sys::UniqueFd ours, theirs;
};

// A stream: its end is told, and what was sent before is still read.
Ends make_gate() {
    int ends[2];
    if (SYS_FAIL_POINT("parked.socketpair",
                       ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) != 0)
        sys::fail("socketpair for a gate");
    return {sys::UniqueFd{ends[0]}, sys::UniqueFd{ends[1]}};
}

Process begin(Box& box, const ZygoteKey& key, bool forked, const sys::UniqueFd& gate,
              config::Milliseconds age) {
    auto command = key.command;
    if (command.limits.wall_time != config::unlimited_time) command.limits.wall_time += age;
    if (forked) return box.fork(command, gate);
    add_gate(command, key.main);
    return box.start(command, gate);
}

}  // namespace

Parked::Parked(Box box, const ZygoteKey& key, config::Milliseconds age,
               config::Milliseconds patience, std::stop_token stop)
    : box_(std::move(box)) {
    auto [ours, theirs] = make_gate();
    gate_ = std::move(ours);
    is_fork_ = box_.runner().zygote && box_.runner().zygote->serves(key);
    process_ = begin(box_, key, is_fork_, theirs, age);
    theirs.reset();
    is_ours_ = true;
    // Started when nobody needed the processor; should that have changed, it waits. A fork is soon
    // there, and a job may be waiting for it.
    if (!is_fork_) box_.runner().cgroup().set_share(smallest_share);
    const std::stop_callback on_stop{stop, [this] { ::shutdown(gate_.get(), SHUT_RDWR); }};
    if (hears(gate::here, patience)) return;
    kill();
    if (stop.stop_requested()) throw sys::Error(sys::Kind::busy, "the engine stops");
    throw sys::Error(sys::Kind::broken, key.command.argv.front() + " did not ask for " + key.main +
                                            " within " + config::to_string(patience));
}

Parked::~Parked() {
    kill();
}

bool Parked::hears(char word, config::Milliseconds patience) const {
    pollfd event{gate_.get(), POLLIN, 0};
    if (SYS_FAIL_POINT("parked.poll", ::poll(&event, 1, static_cast<int>(patience.count()))) <= 0)
        return false;
    char heard = 0;
    return ::recv(gate_.get(), &heard, 1, MSG_DONTWAIT) == 1 && heard == word;
}

bool Parked::stands() const {
    pollfd event{gate_.get(), POLLIN, 0};
    return ::poll(&event, 1, 0) == 0;
}

// By the spawner, as soon as it has written the files: this thread is not waited for in between.
bool Parked::let_go() {
    auto& runner = box_.runner();
    if (!is_fork_) runner.cgroup().set_share(whole_share);
    runner.cgroup().restart_accounts();
    const int gate = gate_.get();
    runner.tell_spawner(Verb::check_box, StageStarted{process_.pid}, {}, std::span{&gate, 1});
    if (hears(gate::gone_on, waking_patience)) return true;
    box_.check();
    return false;
}

Process Parked::take_process() {
    is_ours_ = false;
    return std::move(process_);
}

// As a job that nobody waits for any more ends.
void Parked::kill() {
    if (!std::exchange(is_ours_, false)) return;
    try {
        std::stop_source stopped;
        stopped.request_stop();
        supervise(std::move(process_), box_.runner(),
                  {.limits = {},
                   .standard_in = "",
                   .sink = [](Stream, std::string_view) {},
                   .stop = stopped.get_token(),
                   .began = std::chrono::steady_clock::now()});
        box_.runner().cgroup().end();
    } catch (const sys::Error& error) {
        sys::log(sys::Level::warn, "parked_not_killed", {{"error", error.what()}});
        box_.runner().mark_broken();
    }
}

}  // namespace isolate
