#include "isolate/init/zygote.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "isolate/gate/word.h"
#include "isolate/init/message.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/socket.h"

namespace isolate {

namespace {

constexpr int patience_ms = 20'000;

// Fixed memory, as everything here.
char layer_names[max_layers * 128];

// The names of the layers, each with its NUL.
std::span<const std::byte> pack_layers(const Plan& plan) {
    std::size_t used = 0;
    for (unsigned i = 0; i < plan.stage.layer_count; ++i) {
        const auto length = std::strlen(plan.layers[i]) + 1;
        if (length > sizeof layer_names - used) return {};
        std::memcpy(layer_names + used, plan.layers[i], length);
        used += length;
    }
    return std::as_bytes(std::span{layer_names, used});
}

bool is_heard(const sys::UniqueFd& socket) {
    pollfd event{socket.get(), POLLIN, 0};
    int ready = 0;
    while ((ready = ::poll(&event, 1, patience_ms)) < 0 && errno == EINTR) {
    }
    return ready > 0;
}

// One value, as a whole message without descriptors.
template <typename Value>
bool hear(const sys::UniqueFd& socket, Value& value) {
    sys::PassedFds none;
    return is_heard(socket) &&
           sys::receive_message(socket, std::as_writable_bytes(std::span{&value, 1}), none) ==
               sizeof value;
}

}  // namespace

Fault Zygote::start(const Plan& wanted, StageStarted& started) {
    auto [ours, theirs] = sys::socket_pair();
    if (!ours) return {Step::start_zygote, errno};
    socket_ = std::move(ours);
    Plan plan = wanted;
    plan.gate = theirs.get();
    clone_args arguments{};
    // Not in a cgroup namespace of its own, from which a leaf for its child would be out of reach
    // (cgroup-v2.rst, nsdelegate).
    arguments.flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_PARENT;
    const long pid =
        SYS_FAIL_POINT("spawner.clone_zygote", ::syscall(SYS_clone3, &arguments, sizeof arguments));
    if (pid < 0) return {Step::start_zygote, errno};
    if (pid == 0) become_zygote(plan);
    theirs.reset();
    started.pid = static_cast<std::int32_t>(pid);
    char word = 0;
    if (hear(socket_, word) && word == gate::here) return {};
    socket_.reset();
    return {Step::start_zygote, ECHILD};
}

Fault Zygote::fork(const Plan& plan, const sys::UniqueFd& leaf, StageStarted& started) {
    const auto [ours, theirs] = sys::socket_pair();
    const sys::UniqueFd layers{::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!socket_ || !ours || !layers) return {Step::fork_zygote, socket_ ? errno : ENOENT};
    const ForkStage order{.stage = plan.stage, .filter_instructions = plan.filter.len};
    const auto filter = std::as_bytes(std::span{plan.filter.filter, plan.filter.len});
    const auto names = pack_layers(plan);
    const Head head{Verb::fork_stage, 0, static_cast<std::uint32_t>(filter.size() + names.size()),
                    0};
    const std::span<const std::byte> pieces[] = {sys::bytes_of(head), sys::bytes_of(order), filter,
                                                 names};
    const int fds[] = {plan.standard_in, plan.standard_out, plan.standard_err, plan.report,
                       plan.gate,        mounts_.get(),     layers.get()};
    if (const int error = sys::send_message(ours, pieces, fds); error != 0)
        return {Step::fork_zygote, -error};
    const char word = gate::fork;
    const std::span<const std::byte> whole[] = {sys::bytes_of(word)};
    const int passed[] = {theirs.get(), leaf.get()};
    if (const int error = sys::send_message(socket_, whole, std::span{passed, leaf ? 2U : 1U});
        error != 0)
        return {Step::fork_zygote, -error};
    std::int32_t pid = 0;
    if (!hear(socket_, pid)) return {Step::fork_zygote, ECHILD};
    if (pid <= 0) return {Step::fork_zygote, -pid};
    started.pid = pid;
    return {};
}

}  // namespace isolate
