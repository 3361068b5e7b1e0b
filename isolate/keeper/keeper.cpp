#include "isolate/keeper/keeper.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "isolate/messages.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"

namespace keeper {

namespace {

using isolate::Head;
using isolate::Verb;
using sys::UniqueFd;
using Clock = std::chrono::steady_clock;

constexpr auto start_patience = std::chrono::seconds{10};
constexpr auto stop_patience = std::chrono::seconds{5};
constexpr auto lock_patience = std::chrono::seconds{5};
constexpr auto lock_pause = std::chrono::milliseconds{10};

// Exclusive for as long as the keeper lives. A predecessor that is still sweeping gets a moment.
UniqueFd take_lock(const Options& options) {
    sys::make_directories(options.run_directory);
    const auto path = options.run_directory + "/lock";
    auto lock = sys::open(path, O_RDWR | O_CREAT, 0600);
    const auto give_up = Clock::now() + lock_patience;
    while (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (Clock::now() > give_up) {
            throw sys::Error(sys::Kind::busy,
                             "another engine uses " + options.run_directory +
                                 ": stop it, or give this one a paths.run_directory and an "
                                 "instance name of its own");
        }
        std::this_thread::sleep_for(lock_pause);
    }
    return lock;
}

UniqueFd child_signal_fd() {
    sigset_t signals;
    ::sigemptyset(&signals);
    ::sigaddset(&signals, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    UniqueFd fd{
        SYS_FAIL_POINT("keeper.signalfd", ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK))};
    if (!fd) sys::fail("signalfd");
    return fd;
}

// Credentials must be asked for before the peer can send: asked for later, they read as pid 0.
void ask_for_credentials(const UniqueFd& socket) {
    const int on = 1;
    if (SYS_FAIL_POINT("keeper.passcred",
                       ::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on)) != 0)
        sys::fail("SO_PASSCRED");
}

// Best effort: below the current value it needs a capability that hosts often withhold. Jobs raise
// theirs to 1000, which is what decides.
void protect_from_oom(pid_t pid) {
    sys::try_write_file("/proc/" + std::to_string(pid) + "/oom_score_adj", "-1000");
}

void close_all_but(int first, int second) {
    const auto low = static_cast<unsigned>(std::min(first, second));
    const auto high = static_cast<unsigned>(std::max(first, second));
    ::syscall(SYS_close_range, 3U, low - 1, 0U);
    if (low + 1 < high) ::syscall(SYS_close_range, low + 1, high - 1, 0U);
    ::syscall(SYS_close_range, high + 1, ~0U, 0U);
}

}  // namespace

Keeper::Keeper(const Options& options)
    : options_(options),
      lock_(take_lock(options)),
      daemon_(options.socket),
      child_signals_(child_signal_fd()),
      root_(options_),
      groups_(options_) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    ::umask(0);
    sys::make_directories(options_.run_directory + "/lxc");
}

Keeper::~Keeper() {
    try {
        stop_everything();
    } catch (const std::exception& error) {
        // The containers' monitors die with this process, and the containers with them.
        sys::log(sys::Level::error, "runners_not_stopped", {{"error", error.what()}});
    }
}

void Keeper::serve() {
    for (;;) {
        std::vector<pollfd> events{{daemon_.get(), POLLIN, 0}, {child_signals_.get(), POLLIN, 0}};
        std::vector<std::uint32_t> starting;
        for (const auto& [index, runner] : runners_) {
            if (runner->handed_over) continue;
            starting.push_back(index);
            events.push_back({runner->init == 0 ? runner->ctl.get() : -1, POLLIN, 0});
            events.push_back({runner->spawner == 0 ? runner->work.get() : -1, POLLIN, 0});
        }
        if (SYS_FAIL_POINT("keeper.poll", ::poll(events.data(), events.size(),
                                                 starting.empty() ? -1 : 1000)) < 0 &&
            errno != EINTR) {
            sys::fail("poll");
        }
        for (std::size_t i = 0; i < starting.size(); ++i) {
            auto& runner = *runners_.at(starting[i]);
            if (events[2 + 2 * i].revents) hear(starting[i], runner, runner.ctl, runner.init);
            if (events[3 + 2 * i].revents) hear(starting[i], runner, runner.work, runner.spawner);
        }
        if (events[1].revents) reap();
        end_late_starters();
        if (events[0].revents && !handle_order()) return;
    }
}

// One order of the daemon. False when the daemon is gone or breaks the protocol.
bool Keeper::handle_order() {
    std::byte bytes[sizeof(Head) + sizeof(isolate::RunnerNumber)];
    sys::PassedFds none;
    const auto length = sys::receive_message(daemon_, bytes, none);
    if (length <= 0) return false;
    const auto order =
        isolate::read_order(std::span{bytes}.first(static_cast<std::size_t>(length)));
    if (!order) return false;
    if (order->verb == Verb::start_runner) {
        start(order->index, order->serial);
    } else if (const auto at = runners_.find(order->index); at != runners_.end()) {
        kill(*at->second);
    }
    return true;
}

void Keeper::start(std::uint32_t index, std::uint32_t serial) try {
    if (runners_.contains(index)) return tell_end(index, EEXIST, "the runner exists already");
    groups_.remove_runner(index);
    root_.runner(index);  // here, not in the fork: half-made mounts must be an error, not a state
    auto runner = std::make_unique<Runner>();
    auto ctl = sys::socket_pair();
    auto work = sys::socket_pair();
    if (!ctl.ours || !work.ours) sys::fail("socketpair");
    ask_for_credentials(ctl.ours);
    ask_for_credentials(work.ours);
    runner->ctl = std::move(ctl.ours);
    runner->work = std::move(work.ours);
    runner->serial = serial;
    runner->deadline = Clock::now() + start_patience;
    runner->monitor = SYS_FAIL_POINT("keeper.fork", ::fork());
    if (runner->monitor < 0) sys::fail("fork");
    if (runner->monitor == 0)
        become_monitor(index, *runner, std::move(ctl.theirs), std::move(work.theirs));
    runners_.emplace(index, std::move(runner));
} catch (const sys::Error& error) {
    tell_end(index, EIO, error.what());
}

// In the forked child: liblxc's monitor, which must not hold anything of the keeper's. An inherited
// copy of the daemon's end of a socket would keep init from ever seeing that the daemon is gone.
void Keeper::become_monitor(std::uint32_t index, Runner& runner, UniqueFd ctl, UniqueFd work) {
    const pid_t keeper = ::getppid();
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    const int inherited_ctl = ctl.release();
    const int inherited_work = work.release();
    runner.ctl.release();
    runner.work.release();
    close_all_but(inherited_ctl, inherited_work);
    if (::getppid() != keeper) ::_exit(1);
    int fail_points = -1;
#ifdef CRANKCASE_FAIL_POINTS
    fail_points = sys::open_fail_control(options_.run_directory.c_str());
    if (fail_points >= 0) ::fcntl(fail_points, F_SETFD, 0);
#endif
    ::fcntl(inherited_ctl, F_SETFD, 0);
    ::fcntl(inherited_work, F_SETFD, 0);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    int code = 14;
    try {
        const auto number = std::to_string(index);
        const auto& root = groups_.root();
        code = run_container({
            .name = options_.instance + "-r" + number,
            .lxc_path = options_.run_directory + "/lxc",
            .staging = root_.staging(),
            .log_file = root_.log_file(index),
            .mounts = root_.runner(index),
            .group = root + "/r" + number,
            .monitor_group = root + "/mon-r" + number,
            .pivot_group = root + "/pivot",
            .first_uid = options_.first_uid + index * ids_per_runner,
            .ctl = inherited_ctl,
            .work = inherited_work,
            .fail_points = fail_points,
        });
    } catch (const std::exception& error) {
        sys::log(sys::Level::error, "container_not_started",
                 {{"runner", index}, {"error", error.what()}});
    }
    ::_exit(code);
}

void Keeper::hear(std::uint32_t index, Runner& runner, const UniqueFd& socket, pid_t& reported) {
    Head head{};
    sys::PassedFds none;
    pid_t sender = 0;
    const auto length =
        sys::receive_with_pid(socket, std::as_writable_bytes(std::span{&head, 1}), none, sender);
    if (length != sizeof head || head.verb != Verb::ready || sender <= 0) return kill(runner);
    reported = sender;
    if (runner.init != 0 && runner.spawner != 0) hand_over(index, runner);
}

void Keeper::hand_over(std::uint32_t index, Runner& runner) try {
    runner.init_pidfd.reset(static_cast<int>(
        SYS_FAIL_POINT("keeper.pidfd_open", ::syscall(SYS_pidfd_open, runner.init, 0))));
    if (!runner.init_pidfd) sys::fail("pidfd_open of init");
    protect_from_oom(runner.init);
    protect_from_oom(runner.spawner);
    const auto controls = groups_.make_runner(index, runner.init, runner.spawner);
    std::vector<int> fds{runner.ctl.get(), runner.work.get()};
    for (const auto& file : controls.files) fds.push_back(file.get());
    const Head head{Verb::runner_started, runner.serial, 0, 0};
    const isolate::RunnerStarted body{
        .index = index,
        .first_uid = options_.first_uid + index * ids_per_runner,
        .cgroup_version = groups_.version(),
        .controls = controls.present,
    };
    const std::span<const std::byte> pieces[] = {sys::bytes_of(head), sys::bytes_of(body)};
    if (const int error = sys::send_message(daemon_, pieces, fds); error != 0)
        sys::fail("answer the daemon", -error);
    runner.handed_over = true;
    // From here on the daemon alone holds these ends: if it dies, init and the spawner see it.
    runner.ctl.reset();
    runner.work.reset();
} catch (const sys::Error& error) {
    sys::log(sys::Level::error, "runner_not_handed_over",
             {{"runner", index}, {"error", error.what()}});
    kill(runner);
}

// Ends the container: without init the kernel kills everything else in it. What follows is reap().
void Keeper::kill(Runner& runner) {
    runner.ctl.reset();
    runner.work.reset();
    if (runner.init_pidfd) {
        ::syscall(SYS_pidfd_send_signal, runner.init_pidfd.get(), SIGKILL, nullptr, 0);
    } else {
        // Not handed over yet: the monitor is our child, and its death is init's death signal.
        ::kill(runner.monitor, SIGKILL);
    }
}

void Keeper::reap() {
    signalfd_siginfo info[16];
    // What arrived does not matter: SIGCHLDs merge, and all that ended are looked for.
    [[maybe_unused]] const auto ignored = ::read(child_signals_.get(), info, sizeof info);
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        const auto at = std::find_if(runners_.begin(), runners_.end(), [pid](const auto& entry) {
            return entry.second->monitor == pid;
        });
        if (at == runners_.end()) continue;  // an orphan of a monitor
        const auto index = at->first;
        const bool started = at->second->handed_over;
        runners_.erase(at);
        groups_.remove_runner(index);
        const auto log =
            started ? std::string{} : sys::try_read_file(root_.log_file(index)).value_or("");
        tell_end(index, started ? 0 : EIO,
                 started ? "ended" : "did not start: " + log.substr(0, log.find('\n')));
    }
}

void Keeper::tell_end(std::uint32_t index, int error, const std::string& reason) {
    const Head head{Verb::runner_ended, 0, 0, 0};
    isolate::RunnerEnded body{.index = index, .error = error, .reason = {}};
    std::strncpy(body.reason, reason.c_str(), sizeof body.reason - 1);
    const std::span<const std::byte> pieces[] = {sys::bytes_of(head), sys::bytes_of(body)};
    const int failed = sys::send_message(daemon_, pieces);
    // A daemon that is gone is noticed by the next poll; one that is there would wait for this
    // runner for ever, so that another keeper and a new start are better.
    const bool gone = failed == -EPIPE || failed == -ECONNRESET;
    if (failed != 0 && !gone) sys::fail("tell the daemon", -failed);
}

void Keeper::end_late_starters() {
    for (auto& [index, runner] : runners_) {
        if (runner->handed_over || Clock::now() < runner->deadline) continue;
        sys::log(sys::Level::error, "runner_start_timed_out", {{"runner", index}});
        runner->deadline = Clock::now() + start_patience;
        kill(*runner);
    }
}

void Keeper::stop_everything() {
    for (auto& [index, runner] : runners_) kill(*runner);
    const auto give_up = Clock::now() + stop_patience;
    while (!runners_.empty() && Clock::now() < give_up) {
        pollfd event{child_signals_.get(), POLLIN, 0};
        ::poll(&event, 1, 100);
        reap();
    }
}

}  // namespace keeper
