#include "api/http/session.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <utility>

#include "api/http/render.h"
#include "isolate/sys/log.h"

namespace http {

namespace {

// What a client may send behind a request for an upgrade before that is answered.
constexpr auto most_ahead = std::size_t{256} << 10;

// How long a refused client may go on sending before it has read why.
constexpr auto farewell = std::chrono::seconds(2);

Clock::time_point after(config::Milliseconds time) {
    if (time == config::unlimited_time) return Clock::time_point::max();
    return Clock::now() + time;
}

// Requests that are still coming in may hold this much memory, all clients together.
std::uint64_t unread_limit(const config::Server& settings) {
    return 16 * std::max<std::uint64_t>(settings.body_limit.count, 4 << 20);
}

// Often enough for the shortest time-out, and never so often that it would be seen in a profile.
config::Milliseconds tick(const config::Server& settings) {
    const auto shortest = std::min({settings.header_timeout, settings.body_timeout,
                                    settings.idle_timeout, settings.write_timeout});
    return std::clamp(shortest / 8, config::Milliseconds{10}, config::Milliseconds{1000});
}

}  // namespace

Service::Service(const config::Server& server, Handler handle,
                 std::function<void(Clock::time_point)> on_tick)
    : settings(server),
      handler(std::move(handle)),
      seats(server, unread_limit(server) / 4),
      writer({server.write_buffer, server.write_timeout, server.write_rate, tick(server)},
             std::move(on_tick)) {}

Session::Session(std::shared_ptr<Service> service, sys::UniqueFd socket, std::string client,
                 Seat seat)
    : service_(std::move(service)),
      client_(std::move(client)),
      output_(std::make_shared<Output>(std::move(socket),
                                       std::shared_ptr<Writer>(service_, &service_->writer),
                                       std::move(seat))),
      connection_({service_->settings.header_limit, service_->settings.body_limit}),
      deadline_(after(service_->settings.idle_timeout)) {}

Session::~Session() {
    service_->unread -= counted_;
    output_->seat().count_unread(-counted_);
}

void Session::on_input(std::string_view bytes) {
    auto lock = Lock(mutex_);
    if (leaving_) return keep_ahead(bytes);
    const auto outcome = connection_.receive(bytes);
    if (outcome == Connection::Outcome::incomplete && handling_) return;
    receiving_ = true;
    proceed(outcome, lock);
    receiving_ = false;
}

// Reads on until a request is with somebody who has not answered yet. A handler that answers at
// once, or another thread that answers while the handler still runs, leaves it to this loop to go
// on: a long train of pipelined requests must not become a deep recursion.
void Session::proceed(Connection::Outcome outcome, Lock& lock) {
    while (true) {
        switch (outcome) {
            case Connection::Outcome::incomplete:
                break;
            case Connection::Outcome::expects:
                output_->send(std::string(continue_line));
                break;
            case Connection::Outcome::refused:
                refuse(connection_.refusal());
                break;
            case Connection::Outcome::overrun:
                ended_ = true;
                connection_.close();
                output_->cut();
                break;
            case Connection::Outcome::request: {
                count_unread();
                hand_over(connection_.take(), lock);
                if (!answered_ || ended_) return;
                outcome = connection_.resume();
                continue;
            }
        }
        count_unread();
        return set_deadline();
    }
}

void Session::hand_over(Request request, Lock& lock) {
    request.client = client_;
    gone_ = std::stop_source{};
    answered_ = false;
    handling_ = true;
    set_deadline();
    auto gone = gone_.get_token();
    // The exchange may die in there unanswered, and then answers: not under the lock.
    lock.unlock();
    handle(std::move(request), std::move(gone));
    lock.lock();
    handling_ = false;
}

void Session::handle(Request request, std::stop_token gone) {
    const auto exchange = std::make_shared<Exchange>(
        std::move(request), std::move(gone),
        Exchange::Ways{
            .answer = [self = shared_from_this()](
                          const Request& answered,
                          Response response) { self->answer(answered, std::move(response)); },
            .begin = [self = shared_from_this()](
                         const Request& answered,
                         const Response& head) { return self->begin(answered, head); },
            .upgrade =
                [self = shared_from_this()](std::string head, Takeover takeover) {
                    return self->upgrade(std::move(head), std::move(takeover));
                },
        });
    try {
        service_->handler(exchange);
    } catch (const std::exception& error) {
        sys::log(sys::Level::error, "handler_failed", {{"error", error.what()}});
        exchange->answer(problem(500, "the server failed to handle the request"));
    }
}

bool Session::keeps(const Request& request) const {
    return request.keep_alive && !ended_ && !service_->draining;
}

void Session::answer(const Request& request, Response response) {
    auto lock = Lock(mutex_);
    const auto keep = keeps(request);
    auto rendered =
        render(request, std::move(response), keep ? Afterwards::keep_alive : Afterwards::close,
               service_->settings.idle_timeout);
    output_->send(std::move(rendered.head), std::move(rendered.body));
    answered(keep, lock);
}

std::shared_ptr<Stream> Session::begin(const Request& request, const Response& head) {
    const auto lock = Lock(mutex_);
    const auto chunked = request.minor_version >= 1;
    const auto keep = chunked && keeps(request);
    output_->send(render_head(request, head, keep ? Afterwards::keep_alive : Afterwards::close,
                              service_->settings.idle_timeout));
    return std::make_shared<Stream>(output_, chunked,
                                    [self = shared_from_this(), keep](bool complete) {
                                        auto own = Lock(self->mutex_);
                                        if (!complete) self->output_->cut();
                                        self->answered(keep && complete && !self->ended_, own);
                                    });
}

// The 101 is out and nothing has been read behind it; what comes from now on is not HTTP. A request
// that was pipelined may be handled on any thread: then nobody knows when the reading side has let
// go.
bool Session::upgrade(std::string head, Takeover takeover) {
    const auto lock = Lock(mutex_);
    if (!receiving_ || ended_ || service_->draining) return false;
    upgrade_head_ = std::move(head);
    ahead_ = connection_.take_ahead();
    takeover_ = std::move(takeover);
    leaving_ = true;
    ended_ = true;
    return true;
}

void Session::keep_ahead(std::string_view bytes) {
    if (bytes.size() > most_ahead - std::min(ahead_.size(), most_ahead)) return output_->cut();
    ahead_ += bytes;
}

void Session::leave() {
    auto takeover = Takeover{};
    auto upgraded = Upgraded{.output = output_, .ahead = {}};
    {
        const auto lock = Lock(mutex_);
        // Not before: a client that has it may send as much as it likes, and all that is read by
        // the wrong side would have to be kept.
        output_->send(std::move(upgrade_head_));
        takeover = std::exchange(takeover_, {});
        upgraded.ahead = std::exchange(ahead_, {});
    }
    if (takeover) takeover(std::move(upgraded));
}

void Session::answered(bool keep, Lock& lock) {
    answered_ = true;
    if (!keep) {
        ended_ = true;
        connection_.close();
        output_->finish(Output::Ending::both_ways);
        return;
    }
    if (!handling_) proceed(connection_.resume(), lock);
}

void Session::refuse(const Response& response) {
    service_->refusals.count(response.status);
    ended_ = true;
    connection_.close();
    auto rendered = render(Request{}, response, Afterwards::close, {});
    output_->send(std::move(rendered.head), std::move(rendered.body));
    output_->finish(Output::Ending::sending_only);
    sys::log(sys::Level::debug, "request_refused",
             {{"client", client_}, {"status", response.status}});
}

void Session::on_end() {
    auto gone = std::optional<std::stop_source>{};
    {
        const auto lock = Lock(mutex_);
        if (leaving_) return;
        ended_ = true;
        if (!answered_) {
            gone.emplace(gone_);
        } else {
            connection_.close();
            output_->finish(Output::Ending::both_ways);
        }
    }
    // Without the lock: callbacks on the token run here.
    if (gone) gone->request_stop();
}

void Session::on_tick(Clock::time_point now) {
    const auto lock = Lock(mutex_);
    if (now < deadline_ || leaving_) return;
    switch (connection_.phase()) {
        case Connection::Phase::busy:
            return;
        case Connection::Phase::header:
            refuse(problem(408, "the header did not arrive in time (server.header_timeout)"));
            break;
        case Connection::Phase::body:
            refuse(problem(408, "the body did not arrive in time (server.body_timeout)"));
            break;
        case Connection::Phase::idle:
            // A client that is still reading its answer is not idle; the writer watches it.
            if (output_->unsent() > 0) break;
            ended_ = true;
            connection_.close();
            [[fallthrough]];
        case Connection::Phase::closed:
            output_->cut();
            break;
    }
    count_unread();
    timed_phase_ = Connection::Phase::busy;
    set_deadline();
}

void Session::end_if_idle() {
    const auto lock = Lock(mutex_);
    if (connection_.phase() != Connection::Phase::idle) return;
    ended_ = true;
    connection_.close();
    output_->finish(Output::Ending::both_ways);
}

void Session::cut() {
    const auto lock = Lock(mutex_);
    ended_ = true;
    connection_.close();
    output_->cut();
}

void Session::count_unread() {
    const auto held = connection_.phase() == Connection::Phase::busy ? 0 : connection_.held();
    const auto difference = held - counted_;  // wraps around to a subtraction if it is less
    const auto all = service_->unread += difference;
    const auto fits = output_->seat().count_unread(difference);
    counted_ = held;
    const auto enough = all <= unread_limit(service_->settings);
    if (held == 0 || (enough && fits)) return;
    refuse(problem(503, enough ? "too many large requests are coming in at once from one address"
                               : "too many large requests are coming in at once"));
    service_->unread -= counted_;
    output_->seat().count_unread(-std::exchange(counted_, 0));
}

// A deadline runs from the beginning of its phase, so that a drip of bytes does not move it.
void Session::set_deadline() {
    const auto phase = connection_.phase();
    if (phase == timed_phase_) return;
    timed_phase_ = phase;
    const auto& settings = service_->settings;
    switch (phase) {
        case Connection::Phase::idle:
            deadline_ = after(settings.idle_timeout);
            break;
        case Connection::Phase::header:
            deadline_ = after(settings.header_timeout);
            break;
        case Connection::Phase::body:
            deadline_ = after(settings.body_timeout);
            break;
        case Connection::Phase::busy:
            deadline_ = Clock::time_point::max();
            break;
        case Connection::Phase::closed:
            deadline_ = after(farewell);
            break;
    }
}

}  // namespace http
