// The control of a hostile program: the same program outside of a box, without the protection that
// the case is about, so that its test is seen to go red when that protection is missing. Three
// things keep it harmless: namespaces of its own (pid, mount, ipc, network, uts, cgroup), a uid
// that is nobody's, and an end on the wall clock that takes the whole pid namespace with it.
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/hostile/control/order.h"

namespace control {

namespace {

constexpr int usage_code = 64, trouble_code = 70, late_code = 75;
constexpr int fed_bytes = 1 << 20;

// Waits for one child; what else ends is reaped, as PID 1 has to.
int wait_for(pid_t child) {
    for (;;) {
        int status = 0;
        const pid_t ended = ::waitpid(-1, &status, 0);
        if (ended == child) return status;
        must(ended > 0 || errno == EINTR, "wait for a program");
    }
}

pid_t start(const Order& order, const std::vector<std::string>& program) {
    const pid_t child = ::fork();
    must(child >= 0, "fork");
    if (child == 0) become(order, program);
    return child;
}

// Who does not heed SIGPIPE dies of a program that does not read.
void feed(const Order& order) {
    int ends[2];
    must(::pipe(ends) == 0, "pipe");
    const pid_t feeder = ::fork();
    must(feeder >= 0, "fork");
    if (feeder == 0) {
        ::signal(SIGPIPE, SIG_DFL);
        ::close(ends[0]);
        static const char bytes[fed_bytes] = {};
        ::_exit(::write(ends[1], bytes, sizeof bytes) == fed_bytes ? 0 : 1);
    }
    ::close(ends[1]);
    must(::dup2(ends[0], STDIN_FILENO) == STDIN_FILENO, "dup2");
    ::close(ends[0]);
    const pid_t program = start(order, order.programs.front());
    must(::dup2(STDERR_FILENO, STDIN_FILENO) == STDIN_FILENO, "dup2");  // the last reader goes
    const int status = wait_for(feeder);
    ::kill(program, SIGKILL);
    if (WIFSIGNALED(status))
        std::printf("BREACH who writes its input dies: %d\n", WTERMSIG(status));
}

// A shell in between has only an exit code to tell what became of its child.
void ask_a_shell(const Order& order) {
    std::vector<std::string> words{"/bin/sh", "-c", "\"$@\"; exit $?", "sh"};
    const auto& program = order.programs.front();
    words.insert(words.end(), program.begin(), program.end());
    const int status = wait_for(start(order, words));
    if (WIFEXITED(status) && WEXITSTATUS(status) > 128)
        std::printf("BREACH a signal reads as exit %d\n", WEXITSTATUS(status));
}

// Nobody reads the other stream before the first has ended.
void read_one_stream(const Order& order) {
    int ends[2];
    must(::pipe(ends) == 0, "pipe");
    must(::dup2(ends[1], STDERR_FILENO) == STDERR_FILENO, "dup2");
    ::close(ends[1]);
    wait_for(start(order, order.programs.front()));
}

// PID 1 of the namespace: when it ends, all others do.
[[noreturn]] void mind(const Order& order) {
    must(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "PR_SET_PDEATHSIG");
    arrange_mounts(order);
    arrange_network(order);
    arrange_neighbours(order);
    if (order.without == "ignored SIGPIPE") {
        feed(order);
    } else if (order.without == "report of PID 1") {
        ask_a_shell(order);
    } else if (order.without == "both streams read") {
        read_one_stream(order);
    } else {
        for (const auto& program : order.programs) wait_for(start(order, program));
        // Without the kill, whoever waits for the end of output waits for all of them.
        if (order.without == "kill of the namespace" && order.programs.size() == 1)
            while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) continue;
    }
    std::fflush(stdout);
    ::_exit(0);
}

int run(const Order& order) {
    must(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "PR_SET_PDEATHSIG");
    must(::unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS |
                   CLONE_NEWCGROUP) == 0,
         "unshare");
    const pid_t minder = ::fork();
    must(minder >= 0, "fork");
    if (minder == 0) mind(order);
    // A raw call: the libc of Debian 12 has the wrapper, older ones have not.
    const int ended = static_cast<int>(::syscall(SYS_pidfd_open, minder, 0));
    must(ended >= 0, "pidfd_open");
    pollfd event{ended, POLLIN, 0};
    const bool late = ::poll(&event, 1, order.wall_ms) == 0;
    if (late) ::kill(minder, SIGKILL);
    int status = 0;
    must(::waitpid(minder, &status, 0) == minder, "wait for PID 1");
    if (late) return late_code;
    return WIFEXITED(status) ? WEXITSTATUS(status) : trouble_code;
}

}  // namespace

void must(bool done, const char* what) {
    if (done) return;
    std::fprintf(stderr, "control: %s: %s\n", what, std::strerror(errno));
    ::_exit(trouble_code);
}

Order read_order(const std::vector<std::string>& words) {
    Order order;
    constexpr std::size_t fixed = 5;
    if (words.size() < fixed) return order;
    order.without = words[0];
    order.place = words[1];
    order.uid = static_cast<uid_t>(std::strtoul(words[2].c_str(), nullptr, 10));
    order.wall_ms = std::atoi(words[3].c_str());
    order.port = std::atoi(words[4].c_str());
    if (order.uid == 0 || order.wall_ms <= 0) return order;
    for (std::size_t i = fixed; i < words.size(); ++i) {
        if (words[i] == "--")
            order.programs.emplace_back();
        else if (!order.programs.empty())
            order.programs.back().push_back(words[i]);
    }
    return order;
}

}  // namespace control

int main(int argc, char** argv) {
    const auto order = control::read_order({argv + 1, argv + argc});
    bool complete = !order.programs.empty();
    for (const auto& program : order.programs) complete = complete && !program.empty();
    if (!complete) {
        std::fputs("usage: WITHOUT PLACE UID WALL_MS PORT -- PROGRAM ARGUMENT...\n", stderr);
        return control::usage_code;
    }
    return control::run(order);
}
