#include "api/http/seats.h"

#include <algorithm>

namespace http {

namespace {

constexpr int subscriber_bits = 64;

}  // namespace

Seat::~Seat() {
    if (entry_ != nullptr) seats_->give_back(entry_);
}

bool Seat::count_unread(std::uint64_t difference) {
    if (entry_ == nullptr) return true;
    return (entry_->unread += difference) <= seats_->unread_;
}

Seats::Seats(const config::Server& settings, std::uint64_t unread)
    : most_(settings.connections_per_address), unread_(unread) {
    for (const auto* list : {&settings.uncapped, &settings.trusted_proxies})
        for (const auto& text : *list)
            if (const auto network = config::parse_network(text)) uncapped_.push_back(*network);
}

std::optional<Seat> Seats::take(const std::string& client) {
    auto seat = Seat{};
    const auto address = config::parse_address(client);
    if (!address || most_ == 0 || is_uncapped(*address)) return seat;
    const auto key =
        address->is_v4() ? address->bytes : config::masked(*address, subscriber_bits).bytes;
    const auto lock = std::lock_guard(mutex_);
    auto& entry = entries_[key];
    if (entry.connections >= most_) return std::nullopt;
    entry.address = key;
    ++entry.connections;
    seat.seats_ = this;
    seat.entry_ = &entry;
    return seat;
}

void Seats::give_back(Seat::Entry* entry) {
    const auto lock = std::lock_guard(mutex_);
    if (--entry->connections == 0) entries_.erase(std::array{entry->address});
}

bool Seats::is_uncapped(const config::Address& address) const {
    return std::ranges::any_of(uncapped_,
                               [&](const auto& network) { return network.contains(address); });
}

}  // namespace http
