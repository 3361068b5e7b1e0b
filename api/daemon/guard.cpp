#include "api/daemon/guard.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "api/daemon/protect.h"
#include "isolate/protocol.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/log.h"
#include "isolate/sys/socket.h"

namespace daemon_process {

namespace {

using Clock = std::chrono::steady_clock;

// A keeper that dies again at once is not restarted in a tight loop.
constexpr auto restart_pause = std::chrono::milliseconds{500};
constexpr std::array watched_signals{SIGCHLD, SIGTERM, SIGINT, SIGHUP};

sigset_t watched_set() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : watched_signals) ::sigaddset(&set, number);
    return set;
}

class Guard {
public:
    Guard(const config::Settings& settings, const isolate::DaemonUser& user)
        : settings_(settings), user_(user), programs_(isolate::program_directory()) {}

    int run(const std::function<int(sys::UniqueFd)>& serve);

private:
    void start_server(const std::function<int(sys::UniqueFd)>& serve);
    void start_keeper();
    void hear_signal(int number);
    void reap();
    void keeper_ended(int status);
    void forward(int number) const;

    const config::Settings& settings_;
    const isolate::DaemonUser user_;
    const std::string programs_;
    isolate::Filter filter_;  // of the keeper
    const sigset_t signals_ = watched_set();
    sys::UniqueFd keepers_;  // our end; the server has the other
    pid_t server_ = -1;
    pid_t keeper_ = -1;
    Clock::time_point keeper_started_{};
    bool stopping_ = false;
    int exit_code_ = 0;
};

int Guard::run(const std::function<int(sys::UniqueFd)>& serve) {
    ::sigprocmask(SIG_BLOCK, &signals_, nullptr);
    start_server(serve);
    filter_ = keeper_filter(settings_);  // while the server starts
    start_keeper();
    while (server_ > 0 || keeper_ > 0) {
        siginfo_t info{};
        if (::sigwaitinfo(&signals_, &info) > 0) hear_signal(info.si_signo);
    }
    return exit_code_;
}

void Guard::start_server(const std::function<int(sys::UniqueFd)>& serve) {
    auto [ours, theirs] = sys::socket_pair();
    if (!ours) sys::fail("socketpair");
    const pid_t guard = ::getpid();
    server_ = SYS_FAIL_POINT("guard.fork_server", ::fork());
    if (server_ < 0) sys::fail("fork");
    if (server_ == 0) {
        ours.reset();
        // The signals of control stay blocked until the server waits for them: none may end it
        // while it starts.
        sigset_t of_children;
        ::sigemptyset(&of_children);
        ::sigaddset(&of_children, SIGCHLD);
        ::sigprocmask(SIG_UNBLOCK, &of_children, nullptr);
        // Set again by the server after it has changed its user, which clears it (man 2 prctl).
        ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        if (::getppid() != guard) ::_exit(1);
        ::_exit(serve(std::move(theirs)));
    }
    keepers_ = std::move(ours);
}

void Guard::start_keeper() {
    const auto earliest = keeper_started_ + restart_pause;
    if (Clock::now() < earliest) std::this_thread::sleep_until(earliest);
    keeper_started_ = Clock::now();
    auto keeper = isolate::start_keeper(settings_, user_, programs_, filter_);
    keeper_ = keeper.pid;
    const std::byte note[1]{};
    const std::span<const std::byte> pieces[] = {note};
    const int fd = keeper.socket.get();
    // If the server is gone the keeper sees the end of its socket as soon as our copy is closed.
    sys::send_message(keepers_, pieces, std::span{&fd, 1});
}

void Guard::hear_signal(int number) {
    if (number == SIGCHLD) return reap();
    if (number != SIGHUP) stopping_ = true;
    forward(number);
}

void Guard::forward(int number) const {
    if (server_ > 0) ::kill(server_, number);
}

void Guard::reap() {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == keeper_) {
            keeper_ = -1;
            keeper_ended(status);
        } else if (pid == server_) {
            server_ = -1;
            const bool clean = WIFEXITED(status);
            if (!clean)
                sys::log(sys::Level::error, "server_killed", {{"signal", WTERMSIG(status)}});
            if (exit_code_ == 0) exit_code_ = clean ? WEXITSTATUS(status) : 1;
            keepers_.reset();  // and with the server's end the keeper's last reason to live is gone
        }
    }
}

void Guard::keeper_ended(int status) {
    if (server_ < 0 || stopping_) return;
    if (WIFEXITED(status) && WEXITSTATUS(status) == isolate::keeper_cannot_work) {
        // It has said in the log why it cannot work here; another would say the same.
        exit_code_ = 1;
        stopping_ = true;
        return forward(SIGTERM);
    }
    sys::log(sys::Level::error, "keeper_died", {{"consequence", "starting another"}});
    start_keeper();
}

}  // namespace

int stand_guard(const config::Settings& settings, const isolate::DaemonUser& user,
                const std::function<int(sys::UniqueFd keepers)>& serve) {
    return Guard{settings, user}.run(serve);
}

}  // namespace daemon_process
