// Telling the service manager how things stand: sd_notify's protocol, which is a datagram of
// KEY=VALUE lines on the socket that NOTIFY_SOCKET names (man 3 sd_notify). Without that variable
// everything here does nothing. Forty lines instead of libsystemd and what it brings along.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "isolate/sys/fd.h"

namespace sys {

class ServiceManager {
public:
    // From NOTIFY_SOCKET and WATCHDOG_USEC, which are taken out of the environment: they are not
    // for our children. Call it before there is a second thread.
    static ServiceManager from_environment();

    bool listens() const { return static_cast<bool>(socket_); }

    // How often it wants to hear that we are alive; nothing if it does not.
    std::optional<std::chrono::microseconds> watchdog() const { return watchdog_; }

    void ready(std::string_view status) const;
    void reloading() const;  // ready() ends it
    void stopping() const;
    void alive() const;

private:
    void tell(const std::string& lines) const;

    UniqueFd socket_;
    std::optional<std::chrono::microseconds> watchdog_;
};

// Says that we are alive for as long as that can be shown. A thread of its own asks for a proof
// three times in each interval; if the proof does not come, nothing is said, and the manager
// restarts the service. Does nothing if the manager has no watchdog.
class Watchdog {
public:
    // `proof` tries what a working engine can do; it may block. Both outlive this.
    Watchdog(const ServiceManager& manager, std::function<bool()> proof);

private:
    void watch(const std::stop_token& stop);

    const ServiceManager& manager_;
    const std::function<bool()> proof_;
    std::jthread thread_;  // last: stopped and joined before anything else goes
};

}  // namespace sys
