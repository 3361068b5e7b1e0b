// How often a client may come: so many times in a window of time that begins with the first.
//
// The table has a fixed size: of a place's clients the one whose window began longest ago is
// forgotten, and may then come again too soon, which is the cheaper mistake. Places are chosen by a
// hash that nobody outside can know. One of many mutexes is held for some tens of nanoseconds.
// Time is passed in.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "config/network.h"
#include "config/units.h"

namespace resources {

struct Rate {
    int limit = 0;  // 0: any number
    config::Milliseconds window{0};
};

using RateClock = std::chrono::steady_clock;

struct RateWindow {
    RateClock::time_point begin{};
    int count = 0;  // 0: never begun
};

// Zero if somebody may come now, who is then counted; else how long to wait, at least 1 ms. Pure.
config::Milliseconds admit(RateWindow& window, Rate rate, RateClock::time_point now);

// Whose window an address shares: an IPv4 address is its own, of IPv6 a /64 is one client.
config::Address rate_key(const config::Address& client);

// Which API is counted: each has windows of its own.
enum class RateOf : std::uint8_t { v1 = 1, v2 = 2 };

class RateLimit {
public:
    RateLimit();
    RateLimit(const RateLimit&) = delete;
    RateLimit& operator=(const RateLimit&) = delete;
    ~RateLimit() = default;

    // As admit(), for the client's window.
    config::Milliseconds take(const config::Address& client, RateOf what, Rate rate,
                              RateClock::time_point now);

    static constexpr std::size_t places = 1024;
    static constexpr std::size_t clients_of_a_place = 4;

private:
    struct Entry {
        config::Address client;
        RateOf what{};
        RateWindow window;
    };
    using Place = std::array<Entry, clients_of_a_place>;

    std::size_t place_of(const config::Address& client, RateOf what) const;

    static constexpr std::size_t mutexes = 64;

    const std::uint64_t seed_;
    std::vector<Place> table_;  // empty until somebody is limited
    std::once_flag made_;
    std::array<std::mutex, mutexes> mutex_of_place_;
};

}  // namespace resources
