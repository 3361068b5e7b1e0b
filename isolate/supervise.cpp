// One poll loop from start to end.
//
// What can happen is one array: init says that the stage ended, output arrives, the program takes
// input, somebody wants it to stop or something else of it (steering.h). What must happen by itself
// is one time: the earliest of the wall deadline, the next look at the CPU account and the next
// look whether it is a crowd (share.h) or has ended without init's saying so. A stage cannot burn
// more than one second of CPU per core and second, so with `r` left until the limit, that cannot be
// before r / cores from now: then is when to look again, and the looks close in to a millisecond
// without ever ticking.
//
// Most programs end by themselves and leave nobody behind: then the report of PID 1 is the end. It
// alone is left, with its own code and no end of a pipe, so nothing can write after the answer and
// the accounts are final but for its exit; nobody waits for that but the runner's next stage.
//
// Otherwise, whatever the reason, the end is always the same: take the CPU quota off and give the
// whole share back (a throttled group dies up to 30 times slower), have init kill the PID 1 of the
// box, and wait for init to report it. When init has reaped PID 1, the kernel has already ended
// every process in its pid namespace (man 7 pid_namespaces). A stage that does not die within two
// seconds of that costs the runner its life, not the request its answer.
#include "isolate/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <thread>

#include "isolate/feed.h"
#include "isolate/share.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/log.h"

namespace isolate {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// Ten years. Beyond, sums of times could overflow.
constexpr auto nobody_waits = std::chrono::hours{24 * 3650};
constexpr auto closest_look = std::chrono::milliseconds{1};
constexpr auto death_patience = std::chrono::seconds{2};
// From the report of PID 1 until init has reaped it; a throttled fork bomb takes 3 s to die.
constexpr auto reaping_patience = std::chrono::seconds{5};
constexpr std::size_t chunk_bytes = 65536;  // what a pipe holds, unless it is widened
constexpr int wide_pipe_bytes = 1 << 20;  // the most without privilege (man 7 pipe, pipe-max-size)

// For streams that show to be large: every full pipe costs both sides a sleep and a wake-up. Pages
// are taken only as they are filled, and belong to the job. If the user's total is used up it stays
// as it is.
void widen(const sys::UniqueFd& pipe) {
    ::fcntl(pipe.get(), F_SETPIPE_SZ, wide_pipe_bytes);
}

class Watch {
public:
    Watch(Process process, Runner& runner, const Supervision& supervision)
        : process_(std::move(process)),
          runner_(runner),
          wanted_(supervision),
          feed_(std::move(process_.standard_in),
                process_.on_terminal ? InputKind::terminal : InputKind::pipe,
                supervision.standard_in,
                supervision.input_from_steering ? supervision.steering : nullptr),
          deadline_(limit_after(supervision.began, supervision.limits.wall_time)),
          cpu_limit_(std::min<config::Milliseconds>(supervision.limits.cpu_time, nobody_waits)),
          next_look_(supervision.began + next_look_after(microseconds{0})),
          next_crowd_look_(supervision.began + crowd_look) {}

    Exit run();

private:
    static Clock::time_point limit_after(Clock::time_point began, config::Milliseconds limit) {
        return limit > nobody_waits ? Clock::time_point::max() : began + limit;
    }
    // Asked once: libc opens a file to know.
    static int cores() {
        static const int count =
            static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
        return count;
    }
    Clock::duration next_look_after(microseconds used) const;

    void wait_for_something();
    int poll_timeout() const;
    void obey();
    void read(Stream stream, sys::UniqueFd& pipe);
    void look_at_the_clocks();
    void look_at_the_crowd(Clock::time_point now);
    void end(Cause cause);
    bool has_report() const;
    void read_report();
    void hear_report();
    void hear_init();
    Exit conclude();

    Process process_;
    Runner& runner_;
    const Supervision& wanted_;
    Feed feed_;
    bool output_is_held_ = false;
    int share_ = whole_share;
    Clock::time_point deadline_;
    microseconds cpu_limit_;
    Clock::time_point next_look_;
    Clock::time_point next_crowd_look_;
    std::array<std::size_t, 2> received_{};  // bytes per stream
    std::optional<Cause> killed_for_;
    Clock::time_point killed_at_{};
    std::optional<Clock::time_point> reported_at_;  // PID 1 has said how the program ended, or died
    std::optional<Report> report_;
    bool init_is_silent_ = false;
    bool ended_ = false;
    sys::UniqueFd stop_event_{
        SYS_FAIL_POINT("supervise.eventfd", ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))};
};

Exit Watch::run() {
    if (!stop_event_) sys::fail("eventfd");
    const std::stop_callback on_stop{wanted_.stop, [this] {
                                         const std::uint64_t one = 1;
                                         [[maybe_unused]] const auto written =
                                             ::write(stop_event_.get(), &one, sizeof one);
                                     }};
    if (wanted_.steering) obey();
    feed_.push();
    while (!ended_) wait_for_something();
    // Everybody who could write is dead: what is left in the pipes is all there will be, and held
    // output is no longer held back.
    while (process_.standard_out) read(Stream::standard_out, process_.standard_out);
    while (process_.standard_err) read(Stream::standard_err, process_.standard_err);
    return conclude();
}

void Watch::wait_for_something() {
    pollfd events[] = {
        {runner_.ctl().get(), POLLIN, 0},
        {output_is_held_ ? -1 : process_.standard_out.get(), POLLIN, 0},
        {output_is_held_ ? -1 : process_.standard_err.get(), POLLIN, 0},
        {feed_.waiting_fd(), POLLOUT, 0},
        {killed_for_ ? -1 : stop_event_.get(), POLLIN, 0},
        {wanted_.steering ? wanted_.steering->wake().get() : -1, POLLIN, 0},
        {reported_at_ || killed_for_ ? -1 : process_.report.get(), POLLIN, 0},
    };
    if (SYS_FAIL_POINT("supervise.poll", ::poll(events, std::size(events), poll_timeout())) < 0 &&
        errno != EINTR)
        sys::fail("poll");
    if (events[1].revents) read(Stream::standard_out, process_.standard_out);
    if (events[2].revents) read(Stream::standard_err, process_.standard_err);
    if (events[5].revents) obey();
    if (events[3].revents || events[5].revents) feed_.push();
    if (events[4].revents) end(Cause::canceled);
    if (events[0].revents) hear_init();
    if (events[6].revents && !ended_ && !killed_for_) hear_report();
    if (!ended_) look_at_the_clocks();
}

int Watch::poll_timeout() const {
    const auto until = killed_for_    ? killed_at_ + death_patience
                       : reported_at_ ? *reported_at_ + reaping_patience
                                      : std::min({deadline_, next_look_, next_crowd_look_});
    if (until == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    return static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
}

void Watch::obey() {
    const auto orders = wanted_.steering->take_orders();
    output_is_held_ = orders.hold_output;
    if (orders.size && process_.on_terminal && process_.standard_out)
        resize(process_.standard_out, *orders.size);
    if (killed_for_) return;
    for (const int number : orders.signals)
        runner_.tell_init(Verb::signal_stage, SignalStage{process_.pid, number});
}

void Watch::read(Stream stream, sys::UniqueFd& pipe) {
    char chunk[chunk_bytes];
    const auto length = SYS_FAIL_POINT("supervise.read", ::read(pipe.get(), chunk, sizeof chunk));
    if (length < 0 && errno == EINTR) return;
    if (length < 0 && errno == EAGAIN && !ended_) return;
    // How a terminal says that nobody has its other end any more. Anything else is ours, and half
    // an output must not look like a whole one.
    const bool hung_up = process_.on_terminal && errno == EIO;
    if (length < 0 && errno != EAGAIN && !hung_up) sys::fail("read what the program wrote");
    if (length <= 0) return pipe.reset();
    if (length == sizeof chunk) widen(pipe);
    auto& received = received_[stream == Stream::standard_out ? 0 : 1];
    const auto limit = wanted_.limits.output.count;
    const auto room = limit - std::min<std::uint64_t>(limit, received);
    const auto kept = std::min<std::uint64_t>(room, static_cast<std::uint64_t>(length));
    if (kept > 0) wanted_.sink(stream, {chunk, static_cast<std::size_t>(kept)});
    received += static_cast<std::size_t>(length);
    if (received > limit) {
        pipe.reset();
        end(stream == Stream::standard_out ? Cause::standard_out : Cause::standard_err);
    }
}

void Watch::look_at_the_clocks() {
    const auto now = Clock::now();
    if (killed_for_) {
        if (now < killed_at_ + death_patience) return;
        // Its pid namespace goes with the container; the answer does not wait for that.
        sys::log(sys::Level::warn, "stage_does_not_die", {{"runner", runner_.index()}});
        runner_.mark_broken();
        ended_ = true;
        return;
    }
    if (reported_at_) {
        if (now < *reported_at_ + reaping_patience) return;
        sys::log(sys::Level::error, "init_is_silent", {{"runner", runner_.index()}});
        runner_.mark_broken();
        ended_ = init_is_silent_ = true;
        return;
    }
    if (now < std::min({deadline_, next_look_, next_crowd_look_})) return;
    if (has_report()) return hear_report();
    if (now >= deadline_) return end(Cause::wall_clock);
    if (now >= next_crowd_look_) look_at_the_crowd(now);
    if (now < next_look_) return;
    const auto used = runner_.cgroup().cpu_time();
    if (used >= cpu_limit_) return end(Cause::cpu_clock);
    next_look_ = now + next_look_after(used);
}

void Watch::look_at_the_crowd(Clock::time_point now) {
    if (const int share = share_of(runner_.cgroup().processes()); share != share_) {
        runner_.cgroup().set_share(share);
        share_ = share;
    }
    next_crowd_look_ = now + crowd_look;
}

Clock::duration Watch::next_look_after(microseconds used) const {
    return std::max<Clock::duration>((cpu_limit_ - used) / cores(), closest_look);
}

// Kills the stage; the first reason is the one that counts.
void Watch::end(Cause cause) {
    if (killed_for_) return;
    killed_for_ = cause;
    killed_at_ = Clock::now();
    if (ended_) return;
    runner_.cgroup().lift_cpu_limits();
    runner_.tell_init(Verb::kill_stage, StageStarted{process_.pid});
}

bool Watch::has_report() const {
    pollfd event{process_.report.get(), POLLIN, 0};
    return ::poll(&event, 1, 0) > 0;
}

// The program has ended, so no limit of it can be passed any more. What may be left is that init
// reaps PID 1, and with it whom the program left behind, and says so; an init that does not
// (somebody stopped it) must not look like a program that runs on.
void Watch::hear_report() {
    reported_at_ = Clock::now();
    read_report();
    runner_.cgroup().lift_cpu_limits();
    if (!report_ || report_->left != Left::nobody) return;
    runner_.expect_end(process_.pid);
    ended_ = true;
}

void Watch::read_report() {
    Report report{};
    if (SYS_FAIL_POINT("supervise.read_report",
                       ::read(process_.report.get(), &report, sizeof report)) == sizeof report)
        report_ = report;
}

// A zygote was needed for the beginning only.
void Watch::hear_init() {
    const auto pid = runner_.hear_end(std::chrono::milliseconds{0});
    if (!pid) return;
    if (*pid != process_.pid)
        throw sys::Error(sys::Kind::broken, "init reported a stage that is not ours");
    ended_ = true;
}

Exit Watch::conclude() {
    Exit exit{.wall_time = std::chrono::duration_cast<microseconds>(Clock::now() - wanted_.began)};
    if (!reported_at_) read_report();
    if (init_is_silent_) {
        exit.cause = Cause::lost;
    } else if (killed_for_) {
        exit.cause = *killed_for_;
        exit.code = SIGKILL;
    } else if (report_ && report_->fault.step != Step::none) {
        exit.cause = Cause::not_started;
        exit.fault = report_->fault;
    } else if (report_ && report_->left == Left::program) {
        exit.cause = Cause::wall_clock;
        exit.code = SIGKILL;
    } else if (!report_) {
        // Nothing inside a pid namespace can kill its PID 1 (man 7 pid_namespaces).
        exit.cause = Cause::lost;
        exit.code = SIGKILL;
    } else {
        const int status = report_->status;
        exit.cause = WIFSIGNALED(status) ? Cause::own_signal : Cause::own_exit;
        exit.code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    }
    return exit;
}

}  // namespace

Exit supervise(Process process, Runner& runner, const Supervision& supervision) {
    if (!process.on_terminal && supervision.standard_in.size() > chunk_bytes)
        widen(process.standard_in);
    return Watch{std::move(process), runner, supervision}.run();
}

}  // namespace isolate
