// How often the holder of a key may send jobs: so many at once, then so many in a time, evenly.
//
// What is kept of a key is one time, when a job would come that keeps exactly to the rate (the
// generic cell rate algorithm of ITU-T I.371). It outlives a reload: a key has no new start with
// every SIGHUP.
#pragma once

#include <chrono>
#include <map>
#include <mutex>

#include "config/keys.h"

namespace resources {

using KeyClock = std::chrono::steady_clock;

// Zero if a job may come now, which is then counted; else how long to wait, at least 1 ms. Pure.
config::Milliseconds admit(KeyClock::time_point& next, const config::KeyRate& rate,
                           KeyClock::time_point now);

class KeyRates {
public:
    // As admit(), for that key.
    config::Milliseconds take(const config::Key& key, KeyClock::time_point now);

private:
    std::mutex mutex_;
    std::map<config::KeyDigest, KeyClock::time_point> next_;  // of known keys only
};

}  // namespace resources
