#include "api/resources/rate_limit.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>

namespace resources {

namespace {

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    // Never short for so few bytes (man 2 getrandom).
    [[maybe_unused]] const auto got = ::getrandom(&seed, sizeof seed, 0);
    return seed;
}

// The finisher of splitmix64: every bit of the result depends on every bit.
std::uint64_t mixed(std::uint64_t value) {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

}  // namespace

config::Milliseconds admit(RateWindow& window, Rate rate, RateClock::time_point now) {
    if (rate.limit == 0) return config::Milliseconds{0};
    if (window.count == 0 || now - window.begin >= rate.window) window = {now, 0};
    if (window.count < rate.limit) {
        ++window.count;
        return config::Milliseconds{0};
    }
    return std::chrono::ceil<config::Milliseconds>(window.begin + rate.window - now);
}

config::Address rate_key(const config::Address& client) {
    constexpr int subscriber_bits = 64;
    return client.is_v4() ? client : config::masked(client, subscriber_bits);
}

RateLimit::RateLimit() : seed_(random_seed()) {}

config::Milliseconds RateLimit::take(const config::Address& client, RateOf what, Rate rate,
                                     RateClock::time_point now) {
    if (rate.limit == 0) return config::Milliseconds{0};
    std::call_once(made_, [this] { table_.resize(places); });
    const auto key = rate_key(client);
    const auto number = place_of(key, what);
    const std::lock_guard lock{mutex_of_place_[number % mutexes]};
    auto& place = table_[number];
    auto* entry = std::ranges::find_if(place, [&](const Entry& other) {
        return other.window.count > 0 && other.what == what && other.client == key;
    });
    if (entry == place.end()) {
        entry = std::ranges::min_element(place, {},
                                         [](const Entry& other) { return other.window.begin; });
        *entry = {.client = key, .what = what, .window = {}};
    }
    return admit(entry->window, rate, now);
}

std::size_t RateLimit::place_of(const config::Address& client, RateOf what) const {
    std::array<std::uint64_t, 2> halves{};
    static_assert(sizeof halves == sizeof client.bytes);
    std::memcpy(halves.data(), client.bytes.data(), sizeof halves);
    const auto first = mixed(seed_ ^ halves[0] ^ static_cast<std::uint64_t>(what));
    return mixed((first + seed_) ^ halves[1]) % places;
}

}  // namespace resources
