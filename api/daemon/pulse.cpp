#include "api/daemon/pulse.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <string_view>

#include "isolate/sys/fd.h"

namespace daemon_process {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::string_view question = "GET /healthz HTTP/1.0\r\n\r\n";

// Where the address we listen on is reached from here: "any" is reached by the loopback.
std::string host_of(const std::string& listen) {
    auto host = listen.substr(0, listen.rfind(':'));
    if (host.size() > 1 && host.front() == '[') host = host.substr(1, host.size() - 2);
    if (host.empty() || host == "*" || host == "0.0.0.0") return "127.0.0.1";
    return host == "::" ? "::1" : host;
}

bool wait(const sys::UniqueFd& socket, short event, Clock::time_point until) {
    pollfd poll{socket.get(), event, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    return left > 0 && ::poll(&poll, 1, static_cast<int>(left)) == 1;
}

}  // namespace

bool answers(const std::string& listen, std::uint16_t port, std::chrono::milliseconds patience) {
    const auto until = Clock::now() + patience;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const auto service = std::to_string(port);
    if (::getaddrinfo(host_of(listen).c_str(), service.c_str(), &hints, &found) != 0) return false;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> address{found, &::freeaddrinfo};
    const sys::UniqueFd socket{
        ::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (::connect(socket.get(), address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS)
        return false;
    if (!wait(socket, POLLOUT, until)) return false;
    // A connection that was turned away at once has its answer already.
    [[maybe_unused]] const auto sent =
        ::send(socket.get(), question.data(), question.size(), MSG_NOSIGNAL);
    std::array<char, 16> answer;
    return wait(socket, POLLIN, until) && ::recv(socket.get(), answer.data(), answer.size(), 0) > 0;
}

}  // namespace daemon_process
