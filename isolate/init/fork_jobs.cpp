// Everything here runs in an interpreter's process, between two of its instructions: nothing is
// allocated, and nothing of the process is touched that a job could see, but what exec would have
// set as well. A child reads its order itself, so that no byte of it is in the zygote, whose memory
// every later child gets a copy of.
//
// The order of steps in a child is the spawner's child's (init/child.cpp); it only has to leave the
// zygote's root first, and to give up by hand what an execve takes away.
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "isolate/gate/own_pages.h"
#include "isolate/gate/word.h"
#include "isolate/gate/zygote.h"
#include "isolate/init/fault.h"
#include "isolate/init/message.h"
#include "isolate/init/plan.h"
#include "isolate/sys/socket.h"

namespace isolate::gate {

namespace {

constexpr int job_pid = 2;           // of every job's program, in its namespace
constexpr int first_descriptor = 3;  // behind the standard streams
constexpr int most_descriptors = 1024;
constexpr std::size_t fork_descriptors = 7;

OwnPages own_pages;

bool has_one_thread() {
    struct stat tasks {};
    return ::stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3;  // two, and one a thread
}

bool has_other_descriptors(int socket) {
    for (int fd = first_descriptor; fd < most_descriptors; ++fd) {
        if (fd != socket && ::fcntl(fd, F_GETFD) >= 0) return true;
    }
    return false;
}

// As the spawner clones a stage; the mounts follow when the child knows which.
long clone_job(const sys::UniqueFd& leaf) {
    clone_args arguments{};
    arguments.flags = CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_PARENT;
    if (leaf) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(leaf.get());
    }
    return ::syscall(SYS_clone3, &arguments, sizeof arguments);
}

// The layers' names behind the filter. False if they are anything else.
bool find_layers(std::span<const std::byte> bytes, unsigned count, char** layers) {
    const char* at = reinterpret_cast<const char*>(bytes.data());
    const char* const end = at + bytes.size();
    if (count > max_layers || (!bytes.empty() && end[-1] != '\0')) return false;
    for (unsigned i = 0; i < count; ++i) {
        if (at == end) return false;
        layers[i] = const_cast<char*>(at);  // Plan is shared with execve's arguments
        at += std::strlen(at) + 1;
    }
    return at == end;
}

// A copy of the spawner's mounts, as a stage that it clones has; and its directory.
void enter_mounts(int report, int mounts, int layers) {
    if (::setns(mounts, CLONE_NEWNS) != 0 || ::fchdir(layers) != 0 || ::unshare(CLONE_NEWNS) != 0)
        give_up(report, Step::enter_mounts);
}

// In the child. Returns as become() does.
void become_job(const sys::UniqueFd& order) {
    Message message;
    ForkStage body{};
    if (!message.receive(order) || message.head().verb != Verb::fork_stage ||
        !message.read_body(body) || message.fds().count != fork_descriptors)
        ::_exit(1);
    int fds[fork_descriptors];
    for (std::size_t i = 0; i < fork_descriptors; ++i) fds[i] = message.fds().fds[i].release();
    const auto payload = message.payload();
    const auto filter_bytes = body.filter_instructions * sizeof(sock_filter);
    char* layers[max_layers];
    alignas(sock_filter) char filter[BPF_MAXINSNS * sizeof(sock_filter)];
    if (filter_bytes > sizeof filter || filter_bytes > payload.size() ||
        !find_layers(payload.subspan(filter_bytes), body.stage.layer_count, layers)) {
        errno = EINVAL;
        give_up(fds[3], Step::check_message);
    }
    std::memcpy(filter, payload.data(), filter_bytes);
    enter_mounts(fds[3], fds[5], fds[6]);
    become({.stage = body.stage,
            .argv = nullptr,
            .environment = nullptr,
            .layers = layers,
            .filter = {.len = static_cast<unsigned short>(body.filter_instructions),
                       .filter = reinterpret_cast<sock_filter*>(filter)},
            .standard_in = fds[0],
            .standard_out = fds[1],
            .standard_err = fds[2],
            .report = fds[3],
            .gate = fds[4],
            .resumes = true});
}

}  // namespace

int fork_jobs(int socket) {
    if (::getpid() <= job_pid || !has_one_thread() || has_other_descriptors(socket)) ::_exit(1);
    // What a child receives must not have the numbers that it will put its streams and gate at.
    if (::dup2(socket, first_descriptor) < 0 || ::dup2(socket, descriptor) < 0) ::_exit(1);
    sys::UniqueFd spawner{socket};
    const auto send = [&spawner](const auto& value) {
        const std::span<const std::byte> pieces[] = {sys::bytes_of(value)};
        if (sys::send_message(spawner, pieces) != 0) ::_exit(1);
    };
    own_pages.find();
    send(here);
    for (;;) {
        std::byte word[1];
        sys::PassedFds fds;
        if (sys::receive_message(spawner, word, fds) != 1 || fds.count == 0) ::_exit(0);
        const long pid = clone_job(fds.fds[1]);
        if (pid == 0) {
            become_job(fds.fds[0]);
            for (auto& fd : fds.fds) static_cast<void>(fd.release());  // closed by become()
            static_cast<void>(spawner.release());
            own_pages.copy();
            return move_away(descriptor);
        }
        send(static_cast<std::int32_t>(pid < 0 ? -errno : pid));
    }
}

}  // namespace isolate::gate
