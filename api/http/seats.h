// What one address may have of the server: connections, and memory for requests that are still
// coming in. So that who holds all it can get leaves room for the others.
//
// An IPv4 address counts for itself, of IPv6 a /64 is one. Networks that are named, and Unix
// sockets, are not counted: behind them are many clients, or our own.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/network.h"
#include "config/settings.h"

namespace http {

class Seats;

// One connection's place among those of its address. Given back by the destructor.
class Seat {
public:
    Seat() = default;
    Seat(Seat&& other) noexcept
        : seats_(std::exchange(other.seats_, nullptr)),
          entry_(std::exchange(other.entry_, nullptr)) {}
    Seat& operator=(Seat&& other) noexcept {
        std::swap(seats_, other.seats_);
        std::swap(entry_, other.entry_);
        return *this;
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat();

    // Adds a difference, which wraps around if it is negative, to the unread bytes of the address;
    // false if that is now more than one address may have.
    bool count_unread(std::uint64_t difference);

    // Equal for connections of one address; null for those that are not counted.
    const void* owner() const { return entry_; }

private:
    friend class Seats;
    struct Entry {
        std::array<std::uint8_t, 16> address{};
        int connections = 0;
        std::atomic<std::uint64_t> unread = 0;
    };

    Seats* seats_ = nullptr;
    Entry* entry_ = nullptr;
};

class Seats {
public:
    // `unread` bytes at most for one address.
    Seats(const config::Server& settings, std::uint64_t unread);

    // Empty if the address has all the connections it may have.
    std::optional<Seat> take(const std::string& client);

private:
    friend class Seat;
    void give_back(Seat::Entry* entry);
    bool is_uncapped(const config::Address& address) const;

    const int most_;  // 0: any number
    const std::uint64_t unread_;
    std::vector<config::Network> uncapped_;
    std::mutex mutex_;
    std::map<std::array<std::uint8_t, 16>, Seat::Entry> entries_;  // of who is connected
};

}  // namespace http
