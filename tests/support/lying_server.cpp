#include "tests/support/lying_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>

#include "isolate/sys/error.h"

namespace support {

namespace {

// True if there is something to do on the socket; false if it is time to quit.
bool wait_for(const sys::UniqueFd& socket, short events, const sys::UniqueFd& quit) {
    auto polled = std::array<pollfd, 2>{{{socket.get(), events, 0}, {quit.get(), POLLIN, 0}}};
    while (::poll(polled.data(), polled.size(), -1) < 0 && errno == EINTR) {
    }
    return polled[1].revents == 0;
}

LyingServer::Request parse(std::string_view head) {
    LyingServer::Request request;
    const auto line = head.substr(0, head.find("\r\n"));
    const auto first = line.find(' ');
    const auto second = line.find(' ', first + 1);
    request.method = line.substr(0, first);
    request.target = line.substr(first + 1, second - first - 1);
    head.remove_prefix(line.size() + 2);
    while (!head.empty()) {
        const auto field = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(field.size() + 2, head.size()));
        const auto colon = field.find(": ");
        if (colon == std::string_view::npos) continue;
        auto name = std::string{field.substr(0, colon)};
        for (auto& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        request.headers[name] = field.substr(colon + 2);
    }
    return request;
}

}  // namespace

std::string LyingServer::Request::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
}

bool LyingServer::Line::send(std::string_view bytes) {
    while (!bytes.empty()) {
        if (!wait_for(socket_, POLLOUT, quit_)) return false;
        const auto sent =
            ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) continue;
        if (sent < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::string LyingServer::Line::receive(std::size_t most) {
    std::string bytes(most, '\0');
    if (!wait_for(socket_, POLLIN, quit_)) return {};
    const auto length = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
    bytes.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    return bytes;
}

std::string LyingServer::Line::body_of(const Request& request) {
    const auto length = request.header("content-length");
    auto left = length.empty() ? 0 : std::stoul(length);
    std::string body;
    while (left > 0) {
        const auto bytes = receive(left);
        if (bytes.empty()) break;
        body += bytes;
        left -= bytes.size();
    }
    return body;
}

void LyingServer::Line::answer(const std::string& status, std::string_view body,
                               const std::string& more_headers) {
    send("HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         more_headers + "\r\n");
    send(body);
}

void LyingServer::Line::stall() {
    char byte = 0;
    while (wait_for(socket_, POLLIN, quit_) && ::recv(socket_.get(), &byte, 1, 0) > 0) {
    }
}

LyingServer::LyingServer(Handler handler)
    : handler_(std::move(handler)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      quit_(::eventfd(0, EFD_CLOEXEC)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    // The socket calls take any family's address by this cast (man 7 ip).
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (!listener_ || !quit_ || ::bind(listener_.get(), any, length) != 0 ||
        ::listen(listener_.get(), 16) != 0 || ::getsockname(listener_.get(), any, &length) != 0) {
        sys::fail("listen on 127.0.0.1");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

LyingServer::~LyingServer() {
    stop();
}

void LyingServer::stop() {
    if (!thread_.joinable()) return;
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written =
        ::write(quit_.get(), &one, sizeof one);  // cannot fail at 0
    thread_.join();
}

void LyingServer::serve() {
    while (wait_for(listener_, POLLIN, quit_)) {
        const auto socket =
            sys::UniqueFd{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
        if (socket) answer_one(socket);
    }
}

void LyingServer::answer_one(const sys::UniqueFd& socket) {
    std::string head;
    while (!head.ends_with("\r\n\r\n")) {
        char byte = 0;
        if (!wait_for(socket, POLLIN, quit_) || ::recv(socket.get(), &byte, 1, 0) != 1) return;
        head += byte;
    }
    const auto request = parse(head);
    {
        const auto lock = std::scoped_lock(mutex_);
        requests_.push_back(request);
    }
    auto line = Line(socket, quit_);
    handler_(request, line);
}

std::string LyingServer::url(const std::string& path, const std::string& host) const {
    return "http://" + host + ":" + std::to_string(port_) + path;
}

std::vector<LyingServer::Request> LyingServer::requests() const {
    const auto lock = std::scoped_lock(mutex_);
    return requests_;
}

}  // namespace support
