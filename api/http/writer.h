// Bytes out: no client can make another one wait.
//
// Every connection has an Output, the owner of its own duplicate of the socket. What the kernel
// takes at once is sent by the thread that has it; the rest is parked, and the one thread of the
// Writer sends it as the client reads. All that is parked counts against one budget; when that is
// exceeded, of the address with the most the client that has taken nothing for the longest time
// loses its connection; and so does one that takes nothing for `patience`, or too little a second
// for longer than that. An Output ends its connection by shutdown(2): the
// reading side then sees the end as if the client had gone, and cleans up. The same thread is the
// clock for those who wait for clients.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "api/http/seats.h"
#include "config/units.h"
#include "isolate/sys/fd.h"

namespace http {

using Clock = std::chrono::steady_clock;

class Writer;

class Output : public std::enable_shared_from_this<Output> {
public:
    enum class Ending { sending_only, both_ways };

    // Owns `socket`, which must not block, and the client's seat.
    Output(sys::UniqueFd socket, std::shared_ptr<Writer> writer, Seat seat = {});
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    ~Output();

    // Sends the pieces in order after all that was sent before; may be called again and again while
    // an answer is being made. Never blocks; a client that has gone swallows everything.
    void send(std::string first, std::string second = {});

    // Ends the connection once everything has been sent.
    void finish(Ending ending);

    // Ends it now; what is unsent is dropped.
    void cut();

    std::size_t unsent() const { return unsent_; }

    // Called on the writer's thread whenever what was parked has all been taken. It must be short.
    void on_drained(std::function<void()> callback);

    Seat& seat() { return seat_; }

    // To poll and to read; ours as long as the output lives.
    int descriptor() const { return socket_.get(); }

private:
    friend class Writer;

    void send_some();  // as much as the kernel takes; with mutex_ held
    void take_off(std::size_t count);
    void end();
    void drop();
    void park_or_unpark();
    void on_writable();  // on the writer's thread

    const std::shared_ptr<Writer> writer_;  // first: the seat's table lives as long
    Seat seat_;
    mutable std::mutex mutex_;
    const sys::UniqueFd socket_;
    std::deque<std::string> queue_;
    std::size_t offset_ = 0;  // sent of the first one
    std::atomic<std::size_t> unsent_ = 0;
    std::atomic<Clock::time_point> progress_{};      // when the client last took a byte
    std::atomic<Clock::time_point> parked_since_{};  // and what it has taken since then
    std::atomic<std::uint64_t> taken_ = 0;
    bool parked_ = false;
    bool finishing_ = false;
    bool broken_ = false;
    Ending ending_ = Ending::both_ways;
    std::function<void()> drained_;
};

class Writer {
public:
    struct Settings {
        config::Bytes budget;
        config::Milliseconds patience;
        config::Bytes rate;         // a second, of who is at it for longer; 0: any
        config::Milliseconds tick;  // how often the clock looks; time-outs are late by up to that
    };

    // `on_tick` runs on the writer's thread.
    Writer(const Settings& settings, std::function<void(Clock::time_point)> on_tick);
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;
    ~Writer();

    // Ends the thread and cuts what is parked. Outputs may be used afterwards; what they cannot
    // send at once is lost.
    void stop();

    // Outputs that live.
    int outputs() const { return outputs_; }

private:
    friend class Output;

    bool park(const std::shared_ptr<Output>& output);
    void unpark(const Output& output);
    void relieve();
    static std::shared_ptr<Output> victim_of(
        const std::vector<std::shared_ptr<Output>>& candidates);

    void run();
    void send_ready(int timeout);
    void cut_the_stuck(Clock::time_point now);
    std::vector<std::shared_ptr<Output>> parked() const;

    const Settings settings_;
    const std::function<void(Clock::time_point)> on_tick_;
    sys::UniqueFd epoll_;
    sys::UniqueFd wake_;
    std::atomic<std::uint64_t> unsent_ = 0;
    std::atomic<int> outputs_ = 0;
    mutable std::mutex mutex_;
    std::unordered_map<int, std::shared_ptr<Output>> parked_;  // by descriptor
    std::atomic<bool> stopped_ = false;
    std::thread thread_;
};

}  // namespace http
