// One client: its requests in, its answers out, in order, and the clock against its slowness.
//
// The I/O thread brings bytes and the end, handlers' threads bring answers, the writer's thread
// brings the time; one mutex makes them take turns, and it is never held while a handler runs. At
// most one request is with a handler. Sessions are shared by whoever may still call them: the peer,
// the exchange in progress, the register of the server.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "api/http/connection.h"
#include "api/http/exchange.h"
#include "api/http/refusals.h"
#include "api/http/writer.h"
#include "config/settings.h"
#include "isolate/sys/fd.h"

namespace http {

// What all sessions of a server share; it outlives them.
struct Service {
    Service(const config::Server& server, Handler handle,
            std::function<void(Clock::time_point)> on_tick);

    const config::Server settings;
    const Handler handler;
    Seats seats;
    Writer writer;
    std::atomic<bool> draining = false;     // connections are not kept after their next answer
    std::atomic<std::uint64_t> unread = 0;  // bytes of requests that are not complete yet
    RefusalCounts refusals;
};

class Session : public std::enable_shared_from_this<Session> {
public:
    // `socket` is the session's own descriptor for writing; `client` its address, `seat` its place.
    Session(std::shared_ptr<Service> service, sys::UniqueFd socket, std::string client, Seat seat);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    // From the I/O thread.
    void on_input(std::string_view bytes);
    void on_end();

    // From the clock: ends the session if its client has been too slow.
    void on_tick(Clock::time_point now);

    // Ends the session if nothing is going on in it.
    void end_if_idle();

    // Ends it, whatever is going on.
    void cut();

    // True once the connection is to be handed over; then the reading side lets go of it, and
    // calls leave().
    bool is_leaving() const { return leaving_; }
    void leave();

private:
    using Lock = std::unique_lock<std::mutex>;

    void answer(const Request& request, Response response);
    std::shared_ptr<Stream> begin(const Request& request, const Response& head);
    void answered(bool keep, Lock& lock);
    bool upgrade(std::string head, Takeover takeover);
    bool keeps(const Request& request) const;
    void proceed(Connection::Outcome outcome, Lock& lock);
    void hand_over(Request request, Lock& lock);
    void handle(Request request, std::stop_token gone);
    void refuse(const Response& response);
    void keep_ahead(std::string_view bytes);
    void count_unread();
    void set_deadline();

    const std::shared_ptr<Service> service_;
    const std::string client_;
    const std::shared_ptr<Output> output_;

    std::mutex mutex_;
    Connection connection_;
    Connection::Phase timed_phase_ = Connection::Phase::idle;  // what deadline_ is for
    Clock::time_point deadline_;
    std::stop_source gone_;      // of the request that is with a handler
    std::uint64_t counted_ = 0;  // our part of service_->unread
    bool handling_ = false;      // some thread is in proceed(), perhaps in the handler
    bool answered_ = true;       // the request handed over last, if any
    bool ended_ = false;         // no request will be read any more
    bool receiving_ = false;     // on_input() is at work, so the handler runs in its thread
    std::atomic<bool> leaving_ = false;
    Takeover takeover_;
    std::string upgrade_head_;
    std::string ahead_;  // received while leaving
};

}  // namespace http
