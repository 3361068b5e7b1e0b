// crankcase-init: PID 1 of a container.
//
// It forks the spawner, reaps everything, tells the daemon how each stage ended, and kills a stage
// or has a signal passed on in it when told to. It stays outside of the cgroup that limits the
// jobs, so that no job can starve it. When the daemon is gone (its socket at end of file) or the
// spawner has died, it exits, and with it the kernel ends everything in the container. Under the
// name `timeout` the same program is that command.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "isolate/init/message.h"
#include "isolate/init/pack.h"
#include "isolate/init/plan.h"
#include "isolate/init/posture.h"
#include "isolate/init/spawner.h"
#include "isolate/sys/fail_point.h"

namespace {

using namespace isolate;

Message message;
pid_t spawner = -1;

// Standard streams and descriptor 3 must be taken: stages get theirs by dup2 onto these numbers,
// and a received descriptor must never have one of them.
void occupy_low_descriptors() {
    const int null = SYS_FAIL_POINT("init.open_null", ::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (null < 0) ::_exit(3);
    for (int fd = 0; fd < 3; ++fd) {
        if (::dup2(null, fd) < 0) ::_exit(3);
    }
    if (::fcntl(3, F_GETFD) < 0 && ::fcntl(null, F_DUPFD_CLOEXEC, 3) < 0) ::_exit(3);
}

// The container's first root has, beside what jobs see, the mount of the host's layers, and a
// mount shows where it comes from (man 5 proc, mountinfo). It also shows only what can be reached
// from the reader's root: so a bind of that root, with the mounts that jobs need moved onto it, is
// put over it and entered. Left behind with the layers is the container's /proc, which has to be in
// the namespace for boxes to get theirs, and nowhere in particular. Init stays in the directory
// /layers of the first root, to which there is no other way; what it forks starts there too.
bool leave_first_root() {
    const sys::UniqueFd layers{::open(path::layers, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!layers || ::fchdir(layers.get()) != 0 ||
        ::mount("/", path::self, nullptr, MS_BIND, nullptr) != 0 || ::chdir(path::self) != 0) {
        return false;
    }
    for (const char* moved : {"/usr", "/etc", "/dev"}) {
        if (::mount(moved, moved + 1, nullptr, MS_MOVE, nullptr) != 0) return false;
    }
    return ::mount(".", "/", nullptr, MS_MOVE, nullptr) == 0 && ::chroot(".") == 0 &&
           ::fchdir(layers.get()) == 0;
}

void say_ready(const sys::UniqueFd& ctl) {
    const Head ready{Verb::ready, 0, 0, 0};
    const std::span<const std::byte> pieces[] = {sys::bytes_of(ready)};
    if (sys::send_message(ctl, pieces) != 0) ::_exit(4);
}

void reap(const sys::UniqueFd& ctl) {
    int status = 0;
    for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        if (pid == spawner) ::_exit(5);
        if (!answer(ctl, Verb::stage_ended, 0, StageEnded{.pid = pid, .status = status}))
            ::_exit(7);
    }
}

// Only an unreaped child of our own: as long as it is not reaped its number cannot mean anybody
// else.
bool is_stage(pid_t pid) {
    siginfo_t info{};
    return pid > 1 && pid != spawner &&
           ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

// A job that has filled the queue of its user has made itself deaf, and nobody else (man 3
// sigqueue, EAGAIN).
void signal_stage(const SignalStage& order) {
    if (!is_stage(order.pid) || !is_signal(order.number)) return;
    ::sigqueue(order.pid, order_signal, sigval{.sival_int = order.number});
}

void handle() {
    StageStarted stage{};
    SignalStage order{};
    if (message.head().verb == Verb::kill_stage && message.read_body(stage)) {
        if (is_stage(stage.pid)) ::kill(stage.pid, SIGKILL);
    } else if (message.head().verb == Verb::signal_stage && message.read_body(order)) {
        signal_stage(order);
    } else {
        ::_exit(6);
    }
}

[[noreturn]] void serve(const sys::UniqueFd& ctl, const sys::UniqueFd& child_signals) {
    pollfd events[] = {{ctl.get(), POLLIN, 0}, {child_signals.get(), POLLIN, 0}};
    for (;;) {
        if (::poll(events, 2, -1) < 0) continue;
        if (events[1].revents) {
            signalfd_siginfo info[16];
            // What arrived does not matter: SIGCHLDs merge, and reap() looks for all that ended.
            [[maybe_unused]] const auto ignored = ::read(child_signals.get(), info, sizeof info);
            reap(ctl);
        }
        if (events[0].revents) {
            if (!message.receive(ctl)) ::_exit(0);
            handle();
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const char* slash = std::strrchr(argv[0], '/');
    if (std::strcmp(slash ? slash + 1 : argv[0], "timeout") == 0) return timeout_applet(argc, argv);
    if (argc == 2 && argv[1] == posture_word) return posture();
    if (argc == 2 && argv[1] == pack_word) return pack();
    if (argc == 2 && argv[1] == memory_word) return take_memory();
    if (argc < 3) return 2;
#ifdef CRANKCASE_FAIL_POINTS
    if (argc == 4 && sys::map_fail_control(std::atoi(argv[3]))) ::close(std::atoi(argv[3]));
#endif
    const sys::UniqueFd ctl{std::atoi(argv[1])};
    sys::UniqueFd work{std::atoi(argv[2])};
    ::fcntl(ctl.get(), F_SETFD, FD_CLOEXEC);
    ::fcntl(work.get(), F_SETFD, FD_CLOEXEC);

    // Dispositions survive an exec: a daemon that ignores SIGPIPE must not make every program
    // ignore it.
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    // So does the personality: an engine started without address randomization (setarch -R, a
    // debugger) must not take it from the jobs.
    ::personality(PER_LINUX);
    // Jobs share the user namespace: they must not be able to look into init (man 2 ptrace).
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (SYS_FAIL_POINT("init.make_private",
                       ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) != 0)
        return 3;
    // Behind the new root there is no /proc to find it in. Above the numbers that are occupied
    // next.
    const sys::UniqueFd own_mounts{::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)};
    sys::UniqueFd mounts{::fcntl(own_mounts.get(), F_DUPFD_CLOEXEC, 4)};
    if (!mounts || !leave_first_root()) return 7;
    occupy_low_descriptors();
    sigset_t child_signal;
    ::sigemptyset(&child_signal);
    ::sigaddset(&child_signal, SIGCHLD);
    sigset_t blocked = child_signal;
    ::sigaddset(&blocked, order_signal);  // for the boxes, who inherit it
    ::sigprocmask(SIG_SETMASK, &blocked, nullptr);

    spawner = SYS_FAIL_POINT("init.fork_spawner", ::fork());
    if (spawner < 0) return 4;
    if (spawner == 0) {
        ::close(ctl.get());
        serve_boxes(work, std::move(mounts));
    }
    work.reset();
    mounts.reset();
    const sys::UniqueFd child_signals{
        SYS_FAIL_POINT("init.signalfd", ::signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK))};
    if (!child_signals) return 4;
    say_ready(ctl);
    serve(ctl, child_signals);
}
