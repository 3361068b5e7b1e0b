#include "isolate/init/spawner.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "isolate/init/box.h"
#include "isolate/init/message.h"
#include "isolate/init/plan.h"
#include "isolate/init/strings.h"
#include "isolate/sys/fail_point.h"

namespace isolate {

namespace {

constexpr std::size_t stdio_and_report = 4;

// Fixed memory: the spawner never allocates, so it cannot fail half way for lack of memory.
Message message;
InnerBox box;
sock_filter filter[BPF_MAXINSNS];
unsigned short filter_length = 0;
StageStrings strings;

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
        filter_length == 0 || fds.count < stdio_and_report || fds.count > stdio_and_report + 1 ||
        stage.terminal > 1) {
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
    };
    const sys::UniqueFd leaf = fds.take(stdio_and_report);
    const long pid = clone_stage(leaf);
    if (pid < 0) return {Step::clone, errno};
    if (pid == 0) become(plan);
    started.pid = static_cast<std::int32_t>(pid);
    for (auto& fd : fds.fds) fd.reset();
    return {};
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
            return spawn_and_answer(work);
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

void serve_boxes(const sys::UniqueFd& work) {
    // What no child shall ever be able to regain is given up once, here. The spawner keeps its own
    // capabilities: the bounding set matters at execve only, and the spawner never executes
    // anything.
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
