#include "api/http/listening.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <memory>

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
    if (::bind(socket.get(), first.ai_addr, first.ai_addrlen) < 0)
        sys::fail("cannot listen on " + address + ": bind");
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
