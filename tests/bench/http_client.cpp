#include "tests/bench/http_client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "isolate/sys/error.h"

namespace bench {
namespace {

// Longer than any job here may take; a server that hangs becomes an error, not a hang.
constexpr timeval patience{.tv_sec = 60, .tv_usec = 0};

std::string name_of(const Endpoint& endpoint) {
    return endpoint.host + ":" + endpoint.port;
}

template <typename Value>
void set_option(const sys::UniqueFd& socket, int level, int option, const Value& value) {
    if (::setsockopt(socket.get(), level, option, &value, sizeof value) != 0)
        sys::fail("cannot set socket option " + std::to_string(option));
}

}  // namespace

Endpoint parse_endpoint(std::string_view url) {
    constexpr std::string_view scheme = "http://";
    if (url.starts_with(scheme)) url.remove_prefix(scheme.size());
    const auto slash = std::min(url.find('/'), url.size());
    const auto authority = url.substr(0, slash);
    const auto colon = authority.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || colon + 1 == authority.size())
        throw sys::Error(sys::Kind::invalid, "not HOST:PORT/PATH: " + std::string{url});
    return {.host = std::string{authority.substr(0, colon)},
            .port = std::string{authority.substr(colon + 1)},
            .path = slash == url.size() ? "/" : std::string{url.substr(slash)}};
}

HttpClient::HttpClient(Endpoint endpoint, std::string_view body)
    : endpoint_(std::move(endpoint)),
      request_("POST " + endpoint_.path + " HTTP/1.1\r\nHost: " + name_of(endpoint_) +
               "\r\nContent-Type: application/json\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n") {
    request_ += body;
}

void HttpClient::connect() {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error =
            ::getaddrinfo(endpoint_.host.c_str(), endpoint_.port.c_str(), &hints, &found))
        throw sys::Error(sys::Kind::broken,
                         "cannot find " + endpoint_.host + ": " + ::gai_strerror(error));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> address{found, &::freeaddrinfo};

    sys::UniqueFd socket{
        ::socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol)};
    if (!socket || ::connect(socket.get(), address->ai_addr, address->ai_addrlen) != 0)
        sys::fail("cannot connect to " + name_of(endpoint_));
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, SOL_SOCKET, SO_RCVTIMEO, patience);
    set_option(socket, SOL_SOCKET, SO_SNDTIMEO, patience);
    socket_ = std::move(socket);
}

bool HttpClient::send_request() {
    std::string_view rest = request_;
    while (!rest.empty()) {
        const auto sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (sent < 0) return false;
        rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool HttpClient::receive_response() {
    std::array<char, 131072> piece;
    response_.clear();
    while (!response_.complete()) {
        const auto received = ::recv(socket_.get(), piece.data(), piece.size(), 0);
        if (received < 0) return false;
        if (received == 0) return response_.finish();
        response_.feed({piece.data(), static_cast<std::size_t>(received)});
    }
    return true;
}

// A server may close an idle connection just as a request leaves: not an error, and not one answer
// byte has come, so the request may be sent once more on a new connection.
bool HttpClient::exchange() {
    const bool reused = static_cast<bool>(socket_);
    if (!reused) connect();
    if (send_request() && receive_response()) return true;
    const bool try_again = reused && response_.empty();
    socket_.reset();
    if (!try_again) return false;
    connect();
    return send_request() && receive_response();
}

Answer HttpClient::post() {
    Answer answer;
    const auto start = std::chrono::steady_clock::now();
    const bool complete = exchange();
    answer.took = std::chrono::steady_clock::now() - start;

    if (!complete || !response_.keeps_connection()) socket_.reset();
    if (!complete) {
        answer.trouble = name_of(endpoint_) + " broke off its answer";
        return answer;
    }
    answer.text = response_.body();
    const auto opening = std::string{answer.text.substr(0, 200)};
    if (response_.status() != 200)
        answer.trouble = "HTTP " + std::to_string(response_.status()) + ": " + opening;
    else if (!every_stage_exited_zero(answer.text))
        answer.trouble = "a stage did not exit with 0: " + opening;
    return answer;
}

}  // namespace bench
