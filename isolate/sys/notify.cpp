#include "isolate/sys/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>

#include "isolate/sys/log.h"

namespace sys {

namespace {

// The variable's value, which is then no longer there.
std::string take_variable(const char* name) {
    const char* value = std::getenv(name);
    std::string text = value ? value : "";
    ::unsetenv(name);
    return text;
}

// A path, or an abstract name written with an @ (man 7 unix).
UniqueFd connect_to(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const bool fits = !name.empty() && name.size() < sizeof address.sun_path;
    if (!fits || (name.front() != '/' && name.front() != '@')) return {};
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    // SAFETY: the sockets API takes every address as a sockaddr; `length` bounds what is read.
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
        return {};
    return socket;
}

std::optional<std::chrono::microseconds> interval_of(const std::string& text) {
    long long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number <= 0) return {};
    return std::chrono::microseconds{number};
}

}  // namespace

ServiceManager ServiceManager::from_environment() {
    ServiceManager manager;
    const auto name = take_variable("NOTIFY_SOCKET");
    const auto interval = take_variable("WATCHDOG_USEC");
    take_variable("WATCHDOG_PID");  // the process that was started; which is not who works
    if (name.empty()) return manager;
    manager.socket_ = connect_to(name);
    if (!manager.socket_)
        log(Level::warn, "service_manager_not_reached", {{"NOTIFY_SOCKET", name}});
    else
        manager.watchdog_ = interval_of(interval);
    return manager;
}

void ServiceManager::ready(std::string_view status) const {
    tell("READY=1\nSTATUS=" + std::string{status} + "\n");
}

void ServiceManager::reloading() const {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    const auto microseconds = now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
    tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds) + "\n");
}

void ServiceManager::stopping() const {
    tell("STOPPING=1\nSTATUS=waiting for running jobs\n");
}

void ServiceManager::alive() const {
    tell("WATCHDOG=1\n");
}

// A manager that does not read loses the message: it must not hold up the engine.
void ServiceManager::tell(const std::string& lines) const {
    if (!socket_) return;
    [[maybe_unused]] const auto sent =
        ::send(socket_.get(), lines.data(), lines.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

Watchdog::Watchdog(const ServiceManager& manager, std::function<bool()> proof)
    : manager_(manager), proof_(std::move(proof)) {
    if (manager.watchdog())
        thread_ = std::jthread{[this](const std::stop_token& stop) { watch(stop); }};
}

void Watchdog::watch(const std::stop_token& stop) {
    const auto pause = *manager_.watchdog() / 3;
    std::mutex mutex;
    std::condition_variable_any stopped;
    while (!stop.stop_requested()) {
        if (proof_())
            manager_.alive();
        else
            log(Level::error, "watchdog_without_proof", {{"consequence", "the manager may act"}});
        std::unique_lock lock{mutex};
        stopped.wait_for(lock, stop, pause, [] { return false; });
    }
}

}  // namespace sys
