#include "api/cli/run/dial.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "api/cli/text.h"
#include "isolate/sys/error.h"

namespace cli {

namespace {

constexpr auto patience = std::chrono::seconds{10};

struct AddressesDeleter {
    void operator()(addrinfo* addresses) const { ::freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesDeleter>;

// 0, or the error number the attempt ended with.
int outcome_of(const sys::UniqueFd& socket) {
    int error = 0;
    socklen_t length = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
    return error;
}

}  // namespace

Dialled::Dialled(const std::string& host, const std::string& port, std::string base)
    : base_(std::move(base)), deadline_(std::chrono::steady_clock::now() + patience) {
    connect(host, port);
    // Keys are sent as they are typed. Without it they are only slower.
    const int yes = 1;
    static_cast<void>(::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes));
}

void Dialled::connect_unix(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) fail("its path is too long");
    path.copy(address.sun_path, path.size());
    socket_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) sys::fail("socket");
    // SAFETY: the sockets API takes every address as a sockaddr.
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(socket_.get(), generic, sizeof address) != 0) fail(sys::describe(errno));
}

void Dialled::connect(const std::string& host, const std::string& port) {
    if (host.starts_with('/')) return connect_unix(host);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0)
        fail(::gai_strerror(error));
    const Addresses addresses{found};
    std::string why;
    for (const auto* address = addresses.get(); address != nullptr; address = address->ai_next) {
        socket_.reset(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        if (!socket_) sys::fail("socket");
        int error =
            ::connect(socket_.get(), address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
        if (error == EINPROGRESS) {
            wait_for(socket_.get(), POLLOUT);
            error = outcome_of(socket_);
        }
        if (error == 0) return;
        why = sys::describe(error);
    }
    fail(why);
}

void Dialled::send(std::string_view bytes) {
    while (!bytes.empty()) {
        wait_for(socket_.get(), POLLOUT);
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent >= 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        else if (errno != EAGAIN && errno != EINTR)
            fail(sys::describe(errno));
    }
}

std::string Dialled::receive() {
    std::array<char, 4096> bytes{};
    for (;;) {
        wait_for(socket_.get(), POLLIN);
        const auto length = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
        if (length >= 0) return {bytes.data(), static_cast<std::size_t>(length)};
        if (errno != EAGAIN && errno != EINTR) fail(sys::describe(errno));
    }
}

void Dialled::wait_for(int fd, short events) const {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(
            deadline_ - std::chrono::steady_clock::now());
        pollfd polled{fd, events, 0};
        const int ready =
            left.count() <= 0 ? 0 : ::poll(&polled, 1, static_cast<int>(left.count()));
        if (ready > 0) return;
        if (ready == 0) fail("it takes too long");
        if (errno != EINTR) sys::fail("poll");
    }
}

void Dialled::fail(const std::string& why) const {
    throw sys::Error(sys::Kind::broken, "no engine answers at " + base_ + ": " + printable(why));
}

}  // namespace cli
