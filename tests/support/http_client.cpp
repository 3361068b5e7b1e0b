#include "tests/support/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <thread>

#include "isolate/sys/error.h"

namespace support {

namespace {

struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

Address address_of(const char* text, std::uint16_t port) {
    auto address = Address{};
    auto four = sockaddr_in{};
    auto six = sockaddr_in6{};
    if (::inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
        four.sin_port = htons(port);
        std::memcpy(&address.storage, &four, address.size = sizeof four);
    } else if (::inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
        six.sin6_family = AF_INET6;
        six.sin6_port = htons(port);
        std::memcpy(&address.storage, &six, address.size = sizeof six);
    }
    return address;
}

bool same_letter(char left, char right) {
    return (left | 0x20) == (right | 0x20);
}

}  // namespace

std::string RawAnswer::field(std::string_view name) const {
    auto lines = std::string_view{head};
    while (!lines.empty()) {
        const auto end = std::min(lines.find("\r\n"), lines.size());
        const auto line = lines.substr(0, end);
        lines.remove_prefix(std::min(end + 2, lines.size()));
        const auto colon = line.find(": ");
        if (colon == std::string_view::npos) continue;
        if (std::ranges::equal(line.substr(0, colon), name, same_letter))
            return std::string(line.substr(colon + 2));
    }
    return {};
}

HttpClient::HttpClient(std::uint16_t port, const char* address, int receive_buffer,
                       const char* own_address) {
    const auto target = address_of(address, port);
    socket_.reset(::socket(target.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (receive_buffer > 0)
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    // The sockets API takes every address as a sockaddr.
    const auto own = address_of(own_address != nullptr ? own_address : address, 0);
    if (own_address != nullptr &&
        ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own.storage), own.size) < 0)
        sys::fail(std::string("cannot call from ") + own_address);
    const auto* const generic = reinterpret_cast<const sockaddr*>(&target.storage);
    if (::connect(socket_.get(), generic, target.size) < 0)
        sys::fail("cannot connect to port " + std::to_string(port));
}

bool HttpClient::send(std::string_view text) {
    while (!text.empty()) {
        const auto sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
        if (sent < 0) return false;
        text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

std::optional<RawAnswer> HttpClient::read_answer(bool bodiless) {
    auto end = std::string::npos;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos)
        if (receive() != Progress::more) return std::nullopt;

    auto answer = RawAnswer{.status = 0, .head = received_.substr(0, end), .body = {}};
    received_.erase(0, end + 4);
    const auto number = [](std::string_view text) {
        std::size_t value = 0;
        std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    };
    answer.status = static_cast<int>(number(std::string_view{answer.head}.substr(9, 3)));
    const auto size = bodiless ? 0 : number(answer.field("Content-Length"));
    while (received_.size() < size)
        if (receive() != Progress::more) return std::nullopt;
    answer.body = received_.substr(0, size);
    received_.erase(0, size);
    return answer;
}

std::optional<std::string> HttpClient::read_to_end() {
    auto progress = Progress::more;
    while (progress == Progress::more) progress = receive();
    if (progress == Progress::too_late) return std::nullopt;
    return std::exchange(received_, {});
}

std::size_t HttpClient::read_slowly(std::size_t piece, std::chrono::milliseconds pause,
                                    std::size_t most) {
    auto bytes = std::string(piece, '\0');
    auto taken = std::size_t{0};
    while (taken < most && has_bytes()) {
        const auto count = ::recv(socket_.get(), bytes.data(), std::min(piece, most - taken), 0);
        if (count <= 0) break;
        taken += static_cast<std::size_t>(count);
        std::this_thread::sleep_for(pause);
    }
    return taken;
}

std::string HttpClient::read_beginning() {
    auto bytes = std::string(64, '\0');
    const auto count =
        has_bytes() ? ::recv(socket_.get(), bytes.data(), bytes.size(), 0) : ssize_t{0};
    bytes.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return bytes;
}

bool HttpClient::has_bytes() {
    if (!received_.empty()) return true;
    auto event = pollfd{socket_.get(), POLLIN, 0};
    return ::poll(&event, 1, static_cast<int>(patience.count())) > 0;
}

bool HttpClient::ended() {
    return received_.empty() && receive() == Progress::end;
}

void HttpClient::finish_sending() {
    ::shutdown(socket_.get(), SHUT_WR);
}

void HttpClient::close() {
    socket_.reset();
}

void HttpClient::reset() {
    const auto at_once = linger{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
}

HttpClient::Progress HttpClient::receive() {
    auto waiting = pollfd{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) return Progress::too_late;
    auto piece = std::array<char, 64 * 1024>{};
    const auto count = ::recv(socket_.get(), piece.data(), piece.size(), 0);
    if (count <= 0) return Progress::end;
    received_.append(piece.data(), static_cast<std::size_t>(count));
    return Progress::more;
}

std::string get(std::string_view path, std::string_view more_fields) {
    auto text = std::string{"GET "};
    text.append(path).append(" HTTP/1.1\r\nHost: localhost\r\n").append(more_fields).append("\r\n");
    return text;
}

std::string post(std::string_view path, std::string_view body, std::string_view more_fields) {
    auto text = std::string{"POST "};
    text.append(path).append(" HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
    text.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
    text.append(more_fields).append("\r\n").append(body);
    return text;
}

}  // namespace support
