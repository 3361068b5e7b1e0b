// Every open WebSocket, on one thread that reads, keeps the time and calls the visitors.
//
// A connection comes from the HTTP server once it has been upgraded, and is read here from then on,
// because only so a client that sends more than its visitor can use is stopped by TCP instead of
// filling the memory. Sending goes through the output as for HTTP: at once, or parked there.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "api/http/exchange.h"
#include "api/ws/channel.h"
#include "config/units.h"
#include "isolate/sys/fd.h"

namespace ws {

class Hall;

// The way to one client, for any thread, also when it has gone: then nothing happens.
class Link : public std::enable_shared_from_this<Link> {
public:
    Link(Hall& hall, std::shared_ptr<http::Output> output, config::Bytes message_limit);
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    void send(std::string_view text) { channel_.send_text(text); }

    // Says why and ends the connection when the client has answered, or soon if it does not. A last
    // message, if it is not empty, comes right before that.
    void close(std::uint16_t code, std::string_view reason, std::string_view last_text = {});

    // While held, nothing is read from the client.
    void hold_input(bool held);

    // Bytes that the client has not taken yet, and who is told when it has.
    std::size_t unsent() const { return output_->unsent(); }
    void on_drained(std::function<void()> callback) { output_->on_drained(std::move(callback)); }

private:
    friend class Hall;

    Hall& hall_;
    const std::shared_ptr<http::Output> output_;
    Channel channel_;
    std::atomic<bool> held_ = false;
};

// What is done with a connection; called on the hall's thread, which it must not block.
class Visitor {
public:
    virtual ~Visitor() = default;

    virtual void on_message(Message message) = 0;
    // Several times a second.
    virtual void on_tick(http::Clock::time_point now) = 0;
    // The connection has ended, whoever wanted it. The last call.
    virtual void on_end() = 0;
};

class Hall {
public:
    using Welcome = std::function<std::unique_ptr<Visitor>(std::shared_ptr<Link>)>;

    // A message of more than `message_limit` ends its connection.
    explicit Hall(config::Bytes message_limit);
    Hall(const Hall&) = delete;
    Hall& operator=(const Hall&) = delete;
    // Links may outlive the hall only to be destroyed.
    ~Hall();

    // Says to all that the server goes away (1001), ends them, and takes nobody any more.
    void stop();

    // Takes a connection; `welcome` makes its visitor, on the hall's thread. From any thread.
    void enter(http::Upgraded upgraded, Welcome welcome);

    int visitors() const { return visitors_; }

private:
    friend class Link;

    struct Arrival {
        http::Upgraded upgraded;
        Welcome welcome;
    };
    struct Guest {
        std::shared_ptr<Link> link;
        std::unique_ptr<Visitor> visitor;
        http::Clock::time_point closing_since = http::Clock::time_point::max();
    };

    void wake() const;
    void arm(const std::shared_ptr<Link>& link);
    void run();
    void greet_arrivals();
    void rearm_changed();
    void serve(int fd, std::uint32_t events);
    void receive(Guest& guest, std::string_view bytes);
    void tick(http::Clock::time_point now);
    void end(int fd);

    const config::Bytes message_limit_;
    sys::UniqueFd epoll_, wake_;
    std::atomic<int> visitors_ = 0;
    std::unordered_map<int, Guest> guests_;  // by descriptor; the thread's own

    std::mutex mutex_;  // of what follows
    std::vector<Arrival> arrivals_;
    std::vector<std::shared_ptr<Link>> changed_;

    std::atomic<bool> stopped_ = false;
    std::thread thread_;
};

}  // namespace ws
