#include "isolate/init/spawner.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "isolate/gate/word.h"
#include "isolate/init/box.h"
#include "isolate/init/message.h"
#include "isolate/init/plan.h"
#include "isolate/init/strings.h"
#include "isolate/init/zygote.h"
#include "isolate/sys/fail_point.h"

namespace isolate {

namespace {

constexpr std::size_t stdio_and_report = 4;
constexpr std::uint32_t yes = 1;

// Fixed memory: the spawner never allocates, so it cannot fail half way for lack of memory.
Message message;
InnerBox box;
sock_filter filter[BPF_MAXINSNS];
unsigned short filter_length = 0;
StageStrings strings;
Zygote zygote;

void set_filter() {
    const auto payload = message.payload();
    if (payload.empty() || payload.size() > sizeof filter ||
        payload.size() % sizeof filter[0] != 0) {
        ::_exit(1);
    }
    std::memcpy(filter, payload.data(), payload.size());
    filter_length = static_cast<unsigned short>(payload.size() / sizeof filter[0]);
}

// clone3 in the manner of fork. On cgroup v2 the child is born in the given leaf; on v1 it is born
// where the spawner is. CLONE_PARENT: init becomes the parent (not allowed to a PID 1, which the
// spawner is not).
long clone_stage(const sys::UniqueFd& leaf) {
    clone_args arguments{};
    arguments.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_PARENT;
    if (leaf) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(leaf.get());
    }
    return SYS_FAIL_POINT("spawner.clone", ::syscall(SYS_clone3, &arguments, sizeof arguments));
}

Fault spawn(StageStarted& started) {
    SpawnStage stage{};
    auto& fds = message.fds();
    if (!message.read_body(stage) || !find_strings(stage, message.payload(), strings) ||
        filter_length == 0 || stage.terminal > yes || stage.gate > yes ||
        stage.from_zygote > stage.gate || fds.count < stdio_and_report + stage.gate ||
        fds.count > stdio_and_report + stage.gate + 1) {
        return {Step::check_message, EINVAL};
    }
    if (box.fault().step != Step::none) return box.fault();
    if (!box.is_open()) return {Step::open_box, ENOENT};
    const Plan plan{
        .stage = stage,
        .argv = strings.strings,
        .environment = strings.strings + stage.argument_count + 1,
        .layers = strings.layers,
        .filter = {.len = filter_length, .filter = filter},
        .standard_in = fds.fds[0].get(),
        .standard_out = fds.fds[1].get(),
        .standard_err = fds.fds[2].get(),
        .report = fds.fds[3].get(),
        .gate = stage.gate == yes ? fds.fds[stdio_and_report].get() : -1,
    };
    const sys::UniqueFd leaf = fds.take(stdio_and_report + stage.gate);
    Fault fault{};
    if (message.head().verb == Verb::start_zygote) {
        fault = zygote.start(plan, started);
    } else if (stage.from_zygote == yes) {
        fault = zygote.fork(plan, leaf, started);
    } else {
        const long pid = clone_stage(leaf);
        if (pid < 0) return {Step::clone, errno};
        if (pid == 0) become(plan);
        started.pid = static_cast<std::int32_t>(pid);
    }
    for (auto& fd : fds.fds) fd.reset();
    fds.count = 0;
    return fault;
}

void spawn_and_answer(const sys::UniqueFd& work) {
    StageStarted started{};
    const Fault fault = spawn(started);
    const auto serial = message.head().serial;
    const bool told = fault.step == Step::none ? answer(work, Verb::stage_started, serial, started)
                                               : answer(work, Verb::stage_refused, serial, fault);
    if (!told) ::_exit(1);
}

// The lowest free number: a descriptor that was left open moves it up.
std::uint32_t next_descriptor(const sys::UniqueFd& any) {
    const sys::UniqueFd copy{
        SYS_FAIL_POINT("spawner.next_descriptor", ::fcntl(any.get(), F_DUPFD_CLOEXEC, 0))};
    return static_cast<std::uint32_t>(copy.get());
}

// An execve by root adds the inheritable set to what the bounding set leaves, which is nothing (man
// 7 capabilities). It can only be filled while that is not empty. Jobs give it up (child.cpp).
void keep_for_zygotes() {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct halves[2]{};
    if (SYS_FAIL_POINT("spawner.keep", ::syscall(SYS_capget, &header, halves)) != 0) ::_exit(1);
    for (auto& half : halves) half.inheritable = half.permitted;
    if (::syscall(SYS_capset, &header, halves) != 0) ::_exit(1);
}

// A descriptor that comes along is the daemon's end of a gate: what stands there is let go if all
// is there, which says so by itself. If not, the gate is shut, and the daemon asks why.
void check_box(const sys::UniqueFd& work) {
    auto& fds = message.fds();
    if (fds.count == 0) {
        if (!answer(work, Verb::box_checked, message.head().serial, box.fault())) ::_exit(1);
        return;
    }
    const sys::UniqueFd gate = fds.take(0);
    const char word = gate::go_on;
    if (box.fault().step != Step::none ||
        SYS_FAIL_POINT("spawner.let_go", ::send(gate.get(), &word, 1, MSG_NOSIGNAL)) != 1)
        ::shutdown(gate.get(), SHUT_RDWR);
}

void handle(const sys::UniqueFd& work) {
    switch (message.head().verb) {
        case Verb::set_filter:
            return set_filter();
        case Verb::open_box: {
            OpenBox order{};
            if (!message.read_body(order)) ::_exit(1);
            return box.open(order);
        }
        case Verb::place_file: {
            PlaceFile order{};
            if (!message.read_body(order)) ::_exit(1);
            return box.place(order, message.payload());
        }
        case Verb::spawn_stage:
        case Verb::start_zygote:
            return spawn_and_answer(work);
        case Verb::check_box:
            return check_box(work);
        case Verb::close_box: {
            const auto error = static_cast<std::uint32_t>(box.close());
            const BoxClosed closed{.error = error, .next_descriptor = next_descriptor(work)};
            if (!answer(work, Verb::box_closed, message.head().serial, closed)) ::_exit(1);
            return;
        }
        default:
            ::_exit(1);
    }
}

}  // namespace

void serve_boxes(const sys::UniqueFd& work, sys::UniqueFd mounts) {
    zygote.know(std::move(mounts));
    // What no child shall ever be able to regain is given up once, here. The spawner keeps its own
    // capabilities: the bounding set matters at execve only, and the spawner never executes
    // anything.
    keep_for_zygotes();
    for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
        if (SYS_FAIL_POINT("spawner.drop", ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)) != 0)
            ::_exit(1);
    }
    ::umask(0);
    const Head ready{Verb::ready, 0, 0, 0};
    const std::span<const std::byte> pieces[] = {sys::bytes_of(ready)};
    if (sys::send_message(work, pieces) != 0) ::_exit(1);
    while (message.receive(work)) handle(work);
    ::_exit(0);
}

}  // namespace isolate
