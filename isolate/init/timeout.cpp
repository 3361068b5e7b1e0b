// `timeout -s KILL`, as the PID 1 of a box and as a command.
//
// As PID 1 it does not execute anything itself: an executed timeout costs a second exec and fork,
// and could only return 128+n, so that `exit 137` and a kill would look alike. It forks the
// program, sleeps until the program ends or the deadline passes, reaps whatever is orphaned
// meanwhile, writes one Report with the raw wait status, and exits. Its exit ends the pid
// namespace: the kernel kills every process in it and only then lets init reap PID 1 (man 7
// pid_namespaces). The deadline here is the second line of defence; it holds even if the daemon is
// stopped or gone.
//
// While it waits, it passes signals on: init queues one for it whose value is the number of the
// signal that every process of the job shall get, and only it can name them all, with kill(-1).
//
// The program runs at nice +10 under a PID 1 at nice 0: among hundreds of runnable processes of a
// fork bomb, the one that ends them must get the processor first.
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "isolate/init/fault.h"
#include "isolate/init/plan.h"
#include "isolate/sys/fail_point.h"

namespace isolate {

namespace {

constexpr int program_niceness = 10;
constexpr long long nanoseconds_per_second = 1'000'000'000;

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
    const pid_t program = ::vfork();
    if (program < 0) give_up(plan.report, Step::fork_program);
    if (program == 0) execute(plan, none, fault);
    // The parent runs on only after the child has executed or died, so the fault is final.
    Report report{.fault = {fault.step, fault.error}, .status = 0, .deadline_passed = 0};
    if (report.fault.step == Step::none) {
        // The program's ends of the pipes are the program's alone: end of file must mean what it
        // says.
        ::syscall(SYS_close_range, 0U, 2U, 0U);
        report.deadline_passed = !wait_until(program, deadline, awaited, report.status);
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
