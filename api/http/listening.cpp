#include "api/http/listening.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <thread>

#include "isolate/sys/error.h"

namespace http {

namespace {

constexpr int backlog = 1024;
constexpr int probe_after_seconds = 60;

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses resolve(const std::string& address) {
    const auto colon = address.rfind(':');
    if (colon == std::string::npos)
        throw sys::Error(sys::Kind::invalid, "cannot listen on " + address + ": no port");
    auto host = address.substr(0, colon);
    const auto port = address.substr(colon + 1);
    if (host.size() > 1 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);

    auto hints = addrinfo{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const auto any = host.empty() || host == "*";
    const auto result = ::getaddrinfo(any ? "0.0.0.0" : host.c_str(), port.c_str(), &hints, &found);
    if (result != 0)
        throw sys::Error(sys::Kind::invalid,
                         "cannot listen on " + address + ": " + ::gai_strerror(result));
    return {found, &::freeaddrinfo};
}

void set(const sys::UniqueFd& socket, int level, int option, int value) {
    // A missing option costs speed or a late clean-up, not correctness.
    static_cast<void>(::setsockopt(socket.get(), level, option, &value, sizeof value));
}

// An engine that was killed may take a moment to let go of its address, while the next one is there
// already.
int bind_patiently(const sys::UniqueFd& socket, const addrinfo& address) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{2};
    for (;;) {
        const int result = ::bind(socket.get(), address.ai_addr, address.ai_addrlen);
        if (result == 0 || errno != EADDRINUSE || std::chrono::steady_clock::now() > give_up)
            return result;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

}  // namespace

sys::UniqueFd listen_on(const std::string& address) {
    const auto addresses = resolve(address);
    const auto& first = *addresses;
    auto socket = sys::UniqueFd(
        ::socket(first.ai_family, first.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) sys::fail("cannot listen on " + address + ": socket");
    set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
    set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(socket, IPPROTO_TCP, TCP_KEEPIDLE, probe_after_seconds);
    if (bind_patiently(socket, first) < 0) sys::fail("cannot listen on " + address + ": bind");
    if (::listen(socket.get(), backlog) < 0) sys::fail("cannot listen on " + address);
    return socket;
}

std::uint16_t port_of(const sys::UniqueFd& socket) {
    auto address = sockaddr_storage{};
    auto size = socklen_t{sizeof address};
    // SAFETY: the sockets API takes every address as a sockaddr; `size` bounds what is written.
    if (::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) < 0)
        sys::fail("cannot tell the port that was bound");
    // IPv4 and IPv6 have the port at the same place (man 7 ipv6).
    return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

}  // namespace http
