#include "isolate/runner.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "isolate/sys/fail_point.h"

namespace isolate {

namespace {

using sys::Error;
using sys::Kind;

// Job uids within a runner's 65536: above the system's, and far enough apart from the last 60000
// jobs.
constexpr std::uint32_t first_job_uid = 2000;
constexpr std::uint32_t job_uids = 60000;

std::vector<sys::UniqueFd> rest_of(sys::PassedFds& fds, std::size_t first) {
    std::vector<sys::UniqueFd> rest;
    for (std::size_t i = first; i < fds.count; ++i) rest.push_back(fds.take(i));
    return rest;
}

std::size_t bytes_in(std::span<const std::span<const std::byte>> pieces) {
    std::size_t bytes = 0;
    for (const auto& piece : pieces) bytes += piece.size();
    return bytes;
}

// Sealed, so that the receiver can map it without fear of it changing or shrinking.
sys::UniqueFd memfd_of(std::span<const std::span<const std::byte>> pieces) {
    sys::UniqueFd memfd{
        SYS_FAIL_POINT("runner.memfd", ::memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING))};
    if (!memfd) sys::fail("memfd_create");
    for (auto piece : pieces) {
        while (!piece.empty()) {
            const auto written = SYS_FAIL_POINT("runner.write_payload",
                                                ::write(memfd.get(), piece.data(), piece.size()));
            if (written < 0 && errno == EINTR) continue;
            if (written <= 0)
                sys::fail("write a payload of " + std::to_string(piece.size()) + " bytes");
            piece = piece.subspan(static_cast<std::size_t>(written));
        }
    }
    if (::fcntl(memfd.get(), F_ADD_SEALS,
                F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
        sys::fail("seal a payload");
    }
    return memfd;
}

}  // namespace

Runner::Runner(std::uint32_t serial, const RunnerStarted& started, sys::PassedFds fds)
    : serial_(serial), index_(started.index), ctl_(fds.take(0)), work_(fds.take(1)) {
    if (!ctl_ || !work_)
        throw Error(Kind::broken, "the keeper handed over a runner without sockets");
    cgroup_ = make_cgroup(started, rest_of(fds, 2));
}

std::uint32_t Runner::next_uid() {
    const auto uid = first_job_uid + static_cast<std::uint32_t>(jobs_) % job_uids;
    ++jobs_;
    return uid;
}

bool Runner::is_quiet() const {
    pollfd event{ctl_.get(), POLLIN, 0};
    return ::poll(&event, 1, 0) == 0;
}

void Runner::settle(std::chrono::milliseconds patience) {
    while (leaving_) {
        const auto pid = hear_end(patience);
        if (pid && *pid != leaving_->pid)
            throw Error(Kind::broken, "init reported a stage that is not ours");
        if (pid) leaving_.reset();
    }
}

std::optional<std::int32_t> Runner::hear_end(std::chrono::milliseconds patience) {
    const auto answer = hear_init(patience);
    if (answer.verb != Verb::stage_ended)
        throw Error(Kind::broken, "init gave an unexpected answer");
    const auto pid = answer.as<StageEnded>().pid;
    if (!zygote || zygote->process.pid != pid) return pid;
    zygote.reset();
    mark_broken();
    return std::nullopt;
}

void Runner::give_filter(std::span<const std::byte> program) {
    const std::span<const std::byte> payload[] = {program};
    tell_with_queue({Verb::set_filter, {}, payload}, {});
}

void Runner::tell(const sys::UniqueFd& socket, const Order& order, std::span<const int> fds) {
    const auto payload_bytes = bytes_in(order.payload);
    if (payload_bytes > max_payload) {
        throw Error(Kind::invalid, "a file or argument list of " + std::to_string(payload_bytes) +
                                       " bytes is too large; the most is " +
                                       std::to_string(max_payload));
    }
    Head head{order.verb, 0, static_cast<std::uint32_t>(payload_bytes), 0};
    std::vector<std::span<const std::byte>> pieces{sys::bytes_of(head), order.body};
    std::vector<int> passed(fds.begin(), fds.end());
    sys::UniqueFd memfd;
    if (payload_bytes > max_inline_payload) {
        memfd = memfd_of(order.payload);
        passed.push_back(memfd.get());
        head.payload_in_memfd = 1;
    } else {
        pieces.insert(pieces.end(), order.payload.begin(), order.payload.end());
    }
    if (const int error = sys::send_message(socket, pieces, passed); error != 0) {
        sys::fail("tell runner " + std::to_string(index_), -error);
    }
}

// False if there is no room for it.
bool Runner::append(const Order& order) {
    const auto payload_bytes = bytes_in(order.payload);
    const auto length = sizeof(Head) + order.body.size() + payload_bytes;
    const auto used = queued_.size() + sizeof(std::uint32_t);
    if (used > max_inline_payload || length > max_inline_payload - used) return false;
    const auto add = [this](std::span<const std::byte> bytes) {
        queued_.insert(queued_.end(), bytes.begin(), bytes.end());
    };
    const auto announced = static_cast<std::uint32_t>(length);
    const Head head{order.verb, 0, static_cast<std::uint32_t>(payload_bytes), 0};
    add(sys::bytes_of(announced));
    add(sys::bytes_of(head));
    add(order.body);
    for (const auto& piece : order.payload) add(piece);
    return true;
}

void Runner::send_queue(std::span<const int> fds) {
    if (queued_.empty()) return;
    const auto bytes = std::exchange(queued_, {});
    const std::span<const std::byte> payload[] = {bytes};
    tell(work_, {Verb::orders, {}, payload}, fds);
}

void Runner::queue(const Order& order) {
    if (append(order)) return;
    send_queue({});
    if (!append(order)) tell(work_, order, {});
}

void Runner::tell_with_queue(const Order& order, std::span<const int> fds) {
    if (!queued_.empty() && append(order)) return send_queue(fds);
    send_queue({});
    tell(work_, order, fds);
}

Answer Runner::hear(const sys::UniqueFd& socket, std::chrono::milliseconds patience) {
    pollfd event{socket.get(), POLLIN, 0};
    int ready = 0;
    while ((ready = SYS_FAIL_POINT("runner.poll",
                                   ::poll(&event, 1, static_cast<int>(patience.count())))) < 0) {
        if (errno != EINTR) sys::fail("wait for runner " + std::to_string(index_));
    }
    if (ready == 0) {
        throw Error(Kind::broken, "runner " + std::to_string(index_) + " has not answered for " +
                                      std::to_string(patience.count()) + " ms");
    }
    std::byte bytes[sizeof(Head) + sizeof(Answer::body)];
    sys::PassedFds none;
    const auto length = sys::receive_message(socket, bytes, none);
    if (length <= 0) throw Error(Kind::broken, "runner " + std::to_string(index_) + " is gone");
    const auto answer = read_answer(std::span{bytes}.first(static_cast<std::size_t>(length)));
    if (!answer)
        throw Error(Kind::broken, "runner " + std::to_string(index_) + " speaks gibberish");
    return *answer;
}

}  // namespace isolate
