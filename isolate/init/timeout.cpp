// `timeout -s KILL`, as the PID 1 of a box and as a command.
//
// As PID 1 it does not execute anything itself: an executed timeout costs a second exec and fork,
// and could only return 128+n, so that `exit 137` and a kill would look alike. It forks the
// program, sleeps until the program ends or the deadline passes, reaps whatever is orphaned
// meanwhile, writes one Report with the raw wait status and whether it is alone, and exits. Its
// exit ends the pid namespace: the kernel kills every process in it and only then lets init reap
// PID 1 (man 7 pid_namespaces). The deadline here is the second line of defence; it holds even if
// the daemon is stopped or gone.
//
// While it waits, it passes signals on: init queues one for it whose value is the number of the
// signal that every process of the job shall get, and only it can name them all, with kill(-1).
//
// The program runs at nice +10 under a PID 1 at nice 0: among hundreds of runnable processes of a
// fork bomb, the one that ends them must get the processor first.
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "isolate/gate/word.h"
#include "isolate/init/fault.h"
#include "isolate/init/plan.h"
#include "isolate/sys/fail_point.h"

namespace isolate {

namespace {

constexpr int program_niceness = 10;
constexpr long long nanoseconds_per_second = 1'000'000'000;
constexpr int most_last_orphans = 16;

long long now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * nanoseconds_per_second + time.tv_nsec;
}

// Between vfork and execve, in the parent's memory: stores why it failed, for the parent to read.
[[noreturn]] void execute(const Plan& plan, const sigset_t& mask, volatile Fault& fault) {
    const auto stop = [&fault](Step step) {
        fault.step = step;
        fault.error = errno;
        ::_exit(127);
    };
    if (SYS_FAIL_POINT("box.set_priority", ::setpriority(PRIO_PROCESS, 0, program_niceness)) != 0)
        stop(Step::set_priority);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    // No flags: the filter binds this process alone, which is about to become the program.
    if (SYS_FAIL_POINT("box.load_filter",
                       ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &plan.filter)) != 0)
        stop(Step::load_filter);
    if (SYS_FAIL_POINT("box.execute", 0) == 0) ::execve(plan.argv[0], plan.argv, plan.environment);
    stop(Step::execute);
    __builtin_unreachable();
}

// What the kernel says of this process is what was ordered; asked while it still may ask.
bool is_stripped(std::uint32_t uid) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct sets[2]{};
    uid_t users[3]{};
    gid_t groups[3]{};
    if (::syscall(SYS_capget, &header, sets) != 0 ||
        ::getresuid(&users[0], &users[1], &users[2]) != 0 ||
        ::getresgid(&groups[0], &groups[1], &groups[2]) != 0)
        return false;
    std::uint32_t left = 0;
    for (const auto& half : sets) left |= half.effective | half.permitted | half.inheritable;
    for (const auto user : users) left |= user ^ uid;
    for (const auto group : groups) left |= group ^ uid;
    return left == 0 && ::getgroups(0, nullptr) == 0 &&
           ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
}

// In the fork of a zygote what an execve would have done is done by hand: the filter, and that the
// process may look at itself again (man 5 proc; a change of user takes that away). It keeps its
// standard streams and its gate.
void resume(const Plan& plan, const sigset_t& mask) {
    if (::setpriority(PRIO_PROCESS, 0, program_niceness) != 0)
        give_up(plan.report, Step::set_priority);
    ::sigprocmask(SIG_SETMASK, &mask, nullptr);
    if (::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 || !is_stripped(plan.stage.uid))
        give_up(plan.report, Step::check_posture);
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &plan.filter) != 0)
        give_up(plan.report, Step::load_filter);
    ::close(plan.report);
}

// What is left of the interpreter that this process is a copy of, and would be seen: its handlers
// of signals and its name, in place of that which every other PID 1 has.
void forget_interpreter() {
    for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
    ::prctl(PR_SET_NAME, "init", 0, 0, 0);
}

// Passes a signal on to every other process that this one may signal: as PID 1 of a box, to all of
// the job. The order may come from the job itself, which can do the same without us.
void pass_on(const siginfo_t& order) {
    const int number = order.si_value.sival_int;
    if (order.si_code == SI_QUEUE && is_signal(number)) ::kill(-1, number);
}

// Waits until the child ends or the deadline (in now()'s terms) passes. True with the raw status if
// it ended. Orphans that were handed to this process are reaped on the way. `awaited` are blocked:
// SIGCHLD, and order_signal where it is obeyed.
bool wait_until(pid_t child, long long deadline, const sigset_t& awaited, int& status) {
    for (;;) {
        int ended = 0;
        for (pid_t pid = 0; (pid = ::waitpid(-1, &ended, WNOHANG)) > 0;) {
            if (pid != child) continue;
            status = ended;
            return true;
        }
        const long long left = deadline - now();
        if (left <= 0) return false;
        const timespec timeout{left / nanoseconds_per_second, left % nanoseconds_per_second};
        siginfo_t signal{};
        // Another signal, a time-out and an interruption all lead to the next round.
        if (::sigtimedwait(&awaited, &signal, &timeout) == order_signal) pass_on(signal);
    }
}

// Whoever lives in the namespace descends from this process, and is its child once those in between
// are gone: without a child of any kind (man 2 waitpid, __WALL) it is alone. Some may be dead and
// not reaped; who makes orphans without end does not keep it from its report.
Left left_behind() {
    for (int reaped = 0; reaped < most_last_orphans; ++reaped) {
        const pid_t pid = ::waitpid(-1, nullptr, WNOHANG | __WALL);
        if (pid < 0 && errno == ECHILD) return Left::nobody;
        if (pid <= 0) return Left::others;
    }
    return Left::others;
}

}  // namespace

void run_under_deadline(const Plan& plan) {
    const long long deadline = now() + plan.stage.deadline_ms * 1'000'000LL;
    sigset_t none;
    sigset_t awaited;
    ::sigemptyset(&none);
    ::sigemptyset(&awaited);
    ::sigaddset(&awaited, SIGCHLD);
    ::sigaddset(&awaited, order_signal);
    ::sigprocmask(SIG_SETMASK, &awaited, nullptr);

    volatile Fault fault{Step::none, 0};
    if (SYS_FAIL_POINT("box.fork_program", 0) < 0) give_up(plan.report, Step::fork_program);
    // libc's own, for the copy of an interpreter: its thread must know its new number.
    const pid_t program = plan.resumes ? ::fork() : ::vfork();
    if (program < 0) give_up(plan.report, Step::fork_program);
    if (program == 0 && plan.resumes) return resume(plan, none);
    if (program == 0) execute(plan, none, fault);
    // After a vfork the parent runs on only when the child has executed or died, so the fault is
    // final; a fork reports by itself, before this process does.
    if (plan.resumes) forget_interpreter();
    Report report{.fault = {fault.step, fault.error}, .status = 0, .left = Left::others};
    if (report.fault.step == Step::none) {
        // The program's ends of the pipes are the program's alone: end of file must mean what it
        // says. So is its gate.
        ::syscall(SYS_close_range, 0U, 2U, 0U);
        if (plan.gate >= 0) ::close(gate::descriptor);
        report.left =
            wait_until(program, deadline, awaited, report.status) ? left_behind() : Left::program;
    }
    send_report(plan.report, report);
    ::_exit(0);
}

int timeout_applet(int argc, char** argv) {
    int signal_number = SIGTERM;
    int at = 1;
    if (argc > 2 && std::strcmp(argv[1], "-s") == 0) {
        if (std::strcmp(argv[2], "KILL") != 0 && std::strcmp(argv[2], "TERM") != 0) return 125;
        signal_number = std::strcmp(argv[2], "KILL") == 0 ? SIGKILL : SIGTERM;
        at = 3;
    }
    if (argc < at + 2) return 125;
    char* end = nullptr;
    const double seconds = std::strtod(argv[at], &end);
    if (*end != '\0' || !(seconds > 0) || seconds > 1e6) return 125;

    sigset_t child_signal;
    sigset_t before;
    ::sigemptyset(&child_signal);
    ::sigaddset(&child_signal, SIGCHLD);
    ::sigprocmask(SIG_BLOCK, &child_signal, &before);
    const pid_t program = ::fork();
    if (program < 0) return 125;
    if (program == 0) {
        ::setpgid(0, 0);
        ::sigprocmask(SIG_SETMASK, &before, nullptr);
        ::execvp(argv[at + 1], argv + at + 1);
        ::_exit(errno == ENOENT ? 127 : 126);
    }
    int status = 0;
    const auto deadline = now() + static_cast<long long>(seconds * 1e9);
    if (!wait_until(program, deadline, child_signal, status)) {
        ::kill(-program, signal_number);
        ::waitpid(program, &status, 0);
        return signal_number == SIGKILL ? 137 : 124;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace isolate
