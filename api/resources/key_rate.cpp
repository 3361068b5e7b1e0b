#include "api/resources/key_rate.h"

#include <algorithm>

namespace resources {

config::Milliseconds admit(KeyClock::time_point& next, const config::KeyRate& rate,
                           KeyClock::time_point now) {
    if (rate.count == 0) return config::Milliseconds{0};
    const auto interval = KeyClock::duration{rate.window} / rate.count;
    const auto ahead = interval * (std::max(rate.burst, 1) - 1);
    const auto due = std::max(next, now);
    if (due - now > ahead) return std::chrono::ceil<config::Milliseconds>(due - now - ahead);
    next = due + interval;
    return config::Milliseconds{0};
}

config::Milliseconds KeyRates::take(const config::Key& key, KeyClock::time_point now) {
    if (key.rate.count == 0) return config::Milliseconds{0};
    const std::lock_guard lock{mutex_};
    // Keys that were revoked leave their times behind; what is over says nothing any more.
    if (next_.size() > config::most_keys)
        std::erase_if(next_, [&](const auto& entry) { return entry.second <= now; });
    return admit(next_[key.digest], key.rate, now);
}

}  // namespace resources
