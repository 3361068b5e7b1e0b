#include "isolate/sys/notify.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <string>

namespace {

// A service manager that only listens, under an abstract name.
class Listener {
public:
    Listener() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::memcpy(address.sun_path + 1, name_.data(), name_.size());
        const auto length =
            static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name_.size());
        // SAFETY: the sockets API takes every address as a sockaddr.
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
        ::setenv("NOTIFY_SOCKET", ("@" + name_).c_str(), 1);
    }
    ~Listener() {
        for (const char* name : {"NOTIFY_SOCKET", "WATCHDOG_USEC"}) ::unsetenv(name);
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

    // The next message; empty if there is none.
    std::string next(int patience_ms = 10'000) const {
        pollfd event{socket_.get(), POLLIN, 0};
        if (::poll(&event, 1, patience_ms) != 1) return "";
        char text[512];
        const auto length = ::recv(socket_.get(), text, sizeof text, 0);
        return {text, static_cast<std::size_t>(length)};
    }

private:
    const std::string name_ = "crankcase-notify-" + std::to_string(::getpid());
    const sys::UniqueFd socket_{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
};

}  // namespace

TEST_CASE("the service manager is told how things stand, in its own words") {
    const Listener listener;
    ::setenv("WATCHDOG_USEC", "600000", 1);
    const auto manager = sys::ServiceManager::from_environment();
    CHECK(manager.listens());
    CHECK(manager.watchdog() == std::chrono::milliseconds{600});
    CHECK(::getenv("NOTIFY_SOCKET") == nullptr);
    CHECK(::getenv("WATCHDOG_USEC") == nullptr);
    manager.ready("127.0.0.1:2000");
    CHECK(listener.next() == "READY=1\nSTATUS=127.0.0.1:2000\n");
    manager.reloading();
    CHECK(listener.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    manager.stopping();
    CHECK(listener.next().starts_with("STOPPING=1\n"));
}

TEST_CASE("without a service manager nothing is told and nothing is missed") {
    ::unsetenv("NOTIFY_SOCKET");
    ::setenv("WATCHDOG_USEC", "1000", 1);
    const auto manager = sys::ServiceManager::from_environment();
    CHECK_FALSE(manager.listens());
    CHECK_FALSE(manager.watchdog());
    manager.ready("x");
}

TEST_CASE("the watchdog hears of us only while there is a proof that we work") {
    const Listener listener;
    ::setenv("WATCHDOG_USEC", "30000", 1);
    const auto manager = sys::ServiceManager::from_environment();
    std::atomic<bool> works = true;
    std::atomic<int> without = 0;
    const sys::Watchdog watchdog{manager, [&] {
                                     if (!works) ++without;
                                     return works.load();
                                 }};
    CHECK(listener.next() == "WATCHDOG=1\n");
    CHECK(listener.next() == "WATCHDOG=1\n");
    works = false;
    while (without < 2) ::usleep(1000);
    // What was said before is heard out; then there is silence, however often it is tried.
    while (!listener.next(0).empty()) continue;
    const int tried = without;
    while (without < tried + 3) ::usleep(1000);
    CHECK(listener.next(0).empty());
}
