#include "api/ws/hall.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <exception>
#include <utility>

#include "api/http/signals.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace ws {

namespace {

using http::Clock;

constexpr int tick_ms = 100;
constexpr std::uint16_t going_away = 1001;
// How long a client may take to answer a close.
constexpr auto farewell = std::chrono::seconds(2);

std::uint32_t events_for(bool held) {
    return held ? EPOLLRDHUP : EPOLLIN | EPOLLRDHUP;
}

}  // namespace

Link::Link(Hall& hall, std::shared_ptr<http::Output> output, config::Bytes message_limit)
    : hall_(hall),
      output_(std::move(output)),
      channel_(message_limit, [this](std::string bytes) { output_->send(std::move(bytes)); }) {}

void Link::close(std::uint16_t code, std::string_view reason, std::string_view last_text) {
    channel_.close(code, reason, last_text);
}

void Link::hold_input(bool held) {
    if (held_.exchange(held) != held) hall_.arm(shared_from_this());
}

Hall::Hall(config::Bytes message_limit)
    : message_limit_(message_limit),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!epoll_ || !wake_) sys::fail("cannot make the descriptors of the WebSockets' thread");
    auto event = epoll_event{.events = EPOLLIN, .data = {.fd = wake_.get()}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) < 0)
        sys::fail("cannot watch the wake-up of the WebSockets' thread");
    const auto signals = http::BlockedSignals{};
    thread_ = std::thread([this] { run(); });
}

Hall::~Hall() {
    stop();
}

void Hall::stop() {
    if (stopped_.exchange(true)) return;
    wake();
    thread_.join();
    for (auto& [fd, guest] : guests_) {
        guest.link->channel_.close(going_away, "the server is shutting down");
        guest.visitor->on_end();
        guest.link->output_->finish(http::Output::Ending::both_ways);
    }
    guests_.clear();
    visitors_ = 0;
}

void Hall::enter(http::Upgraded upgraded, Welcome welcome) {
    {
        const auto lock = std::lock_guard(mutex_);
        arrivals_.push_back({std::move(upgraded), std::move(welcome)});
    }
    wake();
}

void Hall::wake() const {
    ::eventfd_write(wake_.get(), 1);
}

void Hall::arm(const std::shared_ptr<Link>& link) {
    {
        const auto lock = std::lock_guard(mutex_);
        changed_.push_back(link);
    }
    wake();
}

void Hall::run() {
    auto next_tick = Clock::now();
    while (!stopped_) {
        auto events = std::array<epoll_event, 64>{};
        const auto count = ::epoll_wait(epoll_.get(), events.data(), events.size(),
                                        guests_.empty() ? -1 : tick_ms);
        for (int i = 0; i < count; ++i) {
            const auto& event = events[static_cast<std::size_t>(i)];
            if (event.data.fd != wake_.get()) {
                serve(event.data.fd, event.events);
                continue;
            }
            auto value = eventfd_t{};
            ::eventfd_read(wake_.get(), &value);
        }
        greet_arrivals();
        rearm_changed();
        if (const auto now = Clock::now(); now >= next_tick) {
            next_tick = now + std::chrono::milliseconds{tick_ms};
            tick(now);
        }
    }
}

void Hall::greet_arrivals() {
    auto arrivals = std::vector<Arrival>{};
    {
        const auto lock = std::lock_guard(mutex_);
        arrivals.swap(arrivals_);
    }
    for (auto& [upgraded, welcome] : arrivals) {
        const auto fd = upgraded.output->descriptor();
        auto link = std::make_shared<Link>(*this, upgraded.output, message_limit_);
        auto event = epoll_event{.events = events_for(false), .data = {.fd = fd}};
        if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
            sys::log(sys::Level::error, "websocket_lost", {{"error", sys::describe(errno)}});
            upgraded.output->cut();
            continue;
        }
        auto visitor = welcome(link);
        auto& guest = guests_[fd];
        guest = {.link = std::move(link), .visitor = std::move(visitor)};
        visitors_ = static_cast<int>(guests_.size());
        receive(guest, upgraded.ahead);
    }
}

void Hall::rearm_changed() {
    auto changed = std::vector<std::shared_ptr<Link>>{};
    {
        const auto lock = std::lock_guard(mutex_);
        changed.swap(changed_);
    }
    for (const auto& link : changed) {
        const auto fd = link->output_->descriptor();
        const auto found = guests_.find(fd);
        if (found == guests_.end() || found->second.link != link) continue;  // it has ended
        auto event = epoll_event{.events = events_for(link->held_), .data = {.fd = fd}};
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
    }
}

// A client that has gone while it is held would otherwise be reported again and again.
void Hall::serve(int fd, std::uint32_t events) {
    static thread_local std::array<char, 64 * 1024> buffer;
    const auto found = guests_.find(fd);
    if (found == guests_.end()) return;
    auto& guest = found->second;
    if ((events & EPOLLIN) == 0) return end(fd);
    const auto length = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (length <= 0) return end(fd);
    receive(guest, {buffer.data(), static_cast<std::size_t>(length)});
}

void Hall::receive(Guest& guest, std::string_view bytes) {
    try {
        for (auto& message : guest.link->channel_.receive(bytes))
            guest.visitor->on_message(std::move(message));
    } catch (const std::exception& error) {
        sys::log(sys::Level::error, "websocket_failed", {{"error", error.what()}});
        guest.link->output_->cut();
    }
    // What the client still sends is read and dropped until it ends or the farewell is over:
    // closing on it would reset the connection, and destroy what it has not read (RFC 9112,
    // section 9.6).
    if (guest.link->channel_.is_closed())
        guest.link->output_->finish(http::Output::Ending::sending_only);
}

void Hall::tick(Clock::time_point now) {
    for (auto& [fd, guest] : guests_) {
        if (!guest.link->channel_.is_closing()) {
            guest.visitor->on_tick(now);
        } else if (guest.closing_since == Clock::time_point::max()) {
            guest.closing_since = now;
        } else if (now - guest.closing_since > farewell) {
            guest.link->output_->cut();
        }
    }
}

void Hall::end(int fd) {
    const auto found = guests_.find(fd);
    if (found == guests_.end()) return;
    const auto guest = std::move(found->second);
    guests_.erase(found);
    visitors_ = static_cast<int>(guests_.size());
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    guest.link->output_->on_drained({});
    guest.link->output_->finish(http::Output::Ending::both_ways);
    guest.visitor->on_end();
}

}  // namespace ws
