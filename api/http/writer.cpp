#include "api/http/writer.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <exception>
#include <map>
#include <utility>

#include "api/http/signals.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

// Order of locks: an output's, then the writer's. The writer never calls an output with its own
// held.

namespace http {

Output::Output(sys::UniqueFd socket, std::shared_ptr<Writer> writer, Seat seat)
    : writer_(std::move(writer)), seat_(std::move(seat)), socket_(std::move(socket)) {
    ++writer_->outputs_;
}

Output::~Output() {
    writer_->unsent_ -= unsent_;
    --writer_->outputs_;
}

void Output::send(std::string first, std::string second) {
    {
        const auto lock = std::lock_guard(mutex_);
        if (broken_ || finishing_) return;
        const auto waiting = !queue_.empty();
        for (auto* const piece : {&first, &second}) {
            if (piece->empty()) continue;
            unsent_ += piece->size();
            writer_->unsent_ += piece->size();
            queue_.push_back(std::move(*piece));
        }
        if (!waiting) {
            progress_ = Clock::now();
            send_some();
            park_or_unpark();
        }
    }
    writer_->relieve();
}

void Output::finish(Ending ending) {
    const auto lock = std::lock_guard(mutex_);
    if (broken_) return;
    finishing_ = true;
    ending_ = ending;
    if (queue_.empty()) end();
}

void Output::cut() {
    const auto lock = std::lock_guard(mutex_);
    drop();
    park_or_unpark();
}

void Output::send_some() {
    while (!queue_.empty()) {
        auto pieces = std::array<iovec, 8>{};
        auto count = std::size_t{0};
        for (auto& text : queue_) {
            if (count == pieces.size()) break;
            const auto skip = count == 0 ? offset_ : 0;
            pieces[count++] = {text.data() + skip, text.size() - skip};
        }
        auto message = msghdr{};
        message.msg_iov = pieces.data();
        message.msg_iovlen = count;
        const auto sent = ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            take_off(static_cast<std::size_t>(sent));
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != EINTR) {
            return drop();
        }
    }
    if (finishing_) end();
}

void Output::take_off(std::size_t count) {
    unsent_ -= count;
    writer_->unsent_ -= count;
    progress_ = Clock::now();
    taken_ += count;
    offset_ += count;
    while (!queue_.empty() && offset_ >= queue_.front().size()) {
        offset_ -= queue_.front().size();
        queue_.pop_front();
    }
}

void Output::end() {
    // ENOTCONN if the client was faster: that is what is wanted.
    static_cast<void>(
        ::shutdown(socket_.get(), ending_ == Ending::both_ways ? SHUT_RDWR : SHUT_WR));
}

void Output::drop() {
    broken_ = true;
    queue_.clear();
    writer_->unsent_ -= unsent_.exchange(0);
    ending_ = Ending::both_ways;
    end();
}

void Output::park_or_unpark() {
    const auto waiting = !queue_.empty();
    if (waiting && !parked_) {
        parked_since_ = Clock::now();
        taken_ = 0;
        parked_ = writer_->park(shared_from_this());
        if (!parked_) drop();
    } else if (!waiting && parked_) {
        writer_->unpark(*this);
        parked_ = false;
    }
}

void Output::on_drained(std::function<void()> callback) {
    const auto lock = std::lock_guard(mutex_);
    drained_ = std::move(callback);
}

void Output::on_writable() {
    auto drained = std::function<void()>{};
    {
        const auto lock = std::lock_guard(mutex_);
        send_some();
        park_or_unpark();
        if (queue_.empty()) drained = drained_;
    }
    // Without the lock: whoever is told may well send.
    if (drained) drained();
}

Writer::Writer(const Settings& settings, std::function<void(Clock::time_point)> on_tick)
    : settings_(settings),
      on_tick_(std::move(on_tick)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!epoll_ || !wake_) sys::fail("cannot make the writer's descriptors");
    auto event = epoll_event{.events = EPOLLIN, .data = {.fd = wake_.get()}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) < 0)
        sys::fail("cannot watch the writer's wake-up");
    const auto signals = BlockedSignals{};
    thread_ = std::thread([this] { run(); });
}

Writer::~Writer() {
    stop();
}

void Writer::stop() {
    {
        const auto lock = std::lock_guard(mutex_);
        stopped_ = true;
    }
    ::eventfd_write(wake_.get(), 1);
    if (thread_.joinable()) thread_.join();
    for (const auto& output : parked()) output->cut();
}

bool Writer::park(const std::shared_ptr<Output>& output) {
    const auto lock = std::lock_guard(mutex_);
    if (stopped_) return false;
    const auto fd = output->socket_.get();
    auto event = epoll_event{.events = EPOLLOUT, .data = {.fd = fd}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) return false;
    parked_.emplace(fd, output);
    return true;
}

void Writer::unpark(const Output& output) {
    const auto lock = std::lock_guard(mutex_);
    const auto fd = output.socket_.get();
    // Closing would not do: the socket lives on in the reading side's descriptor (man 7 epoll).
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    parked_.erase(fd);
}

// Of the address with the most unsent bytes, the client that has taken nothing for the longest
// time.
std::shared_ptr<Output> Writer::victim_of(const std::vector<std::shared_ptr<Output>>& candidates) {
    std::map<const void*, std::size_t> unsent;
    for (const auto& output : candidates) unsent[output->seat_.owner()] += output->unsent();
    const auto* const most =
        std::ranges::max_element(unsent, {}, [](const auto& entry) { return entry.second; })->first;
    auto slowest = std::shared_ptr<Output>{};
    for (const auto& output : candidates) {
        if (output->seat_.owner() != most) continue;
        if (!slowest || output->progress_.load() < slowest->progress_.load()) slowest = output;
    }
    return slowest;
}

void Writer::relieve() {
    while (unsent_ > settings_.budget.count) {
        const auto candidates = parked();
        if (candidates.empty()) return;
        const auto slowest = victim_of(candidates);
        sys::log(sys::Level::warn, "slow_reader_dropped",
                 {{"reason", "server.write_buffer is exhausted"}, {"unsent", slowest->unsent()}});
        slowest->cut();
    }
}

void Writer::run() {
    auto next_tick = Clock::now() + settings_.tick;
    while (!stopped_) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_tick - Clock::now());
        send_ready(static_cast<int>(std::max<std::chrono::milliseconds::rep>(left.count(), 0)));
        const auto now = Clock::now();
        if (now < next_tick) continue;
        next_tick = now + settings_.tick;
        try {
            cut_the_stuck(now);
            on_tick_(now);
        } catch (const std::exception& error) {
            sys::log(sys::Level::error, "http_clock_failed", {{"error", error.what()}});
        }
    }
}

void Writer::send_ready(int timeout) {
    auto events = std::array<epoll_event, 64>{};
    const auto count = ::epoll_wait(epoll_.get(), events.data(), events.size(), timeout);
    for (int i = 0; i < count; ++i) {
        auto output = std::shared_ptr<Output>{};
        {
            const auto lock = std::lock_guard(mutex_);
            const auto found = parked_.find(events[static_cast<std::size_t>(i)].data.fd);
            if (found != parked_.end()) output = found->second;
        }
        if (output) output->on_writable();
    }
}

void Writer::cut_the_stuck(Clock::time_point now) {
    for (const auto& output : parked()) {
        const auto waited = now - output->progress_.load();
        const auto age = now - output->parked_since_.load();
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(age).count();
        const bool drips =
            age > settings_.patience && seconds > 0 &&
            output->taken_ < settings_.rate.count * static_cast<std::uint64_t>(seconds);
        if (drips)
            sys::log(
                sys::Level::warn, "slow_reader_dropped",
                {{"reason", "it takes less than server.write_rate"}, {"unsent", output->unsent()}});
        if (drips || waited > settings_.patience) output->cut();
    }
}

std::vector<std::shared_ptr<Output>> Writer::parked() const {
    const auto lock = std::lock_guard(mutex_);
    auto outputs = std::vector<std::shared_ptr<Output>>{};
    outputs.reserve(parked_.size());
    for (const auto& [fd, output] : parked_) outputs.push_back(output);
    return outputs;
}

}  // namespace http
