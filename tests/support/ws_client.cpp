#include "tests/support/ws_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "isolate/sys/error.h"

namespace support {

namespace {

constexpr char mask[] = {0x11, 0x22, 0x33, 0x44};

std::string big_endian(std::uint64_t number, int bytes) {
    std::string text;
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
        text += static_cast<char>(number >> shift & 0xff);
    return text;
}

std::uint64_t number_of(std::string_view bytes) {
    std::uint64_t number = 0;
    for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
    return number;
}

}  // namespace

int Frame::code() const {
    return payload.size() < 2 ? 1005 : static_cast<int>(number_of(payload.substr(0, 2)));
}

std::string masked(const Frame& frame) {
    std::string bytes(1, static_cast<char>((frame.fin ? 0x80 : 0) | frame.opcode));
    const auto size = frame.payload.size();
    if (size < 126) {
        bytes += static_cast<char>(0x80 | size);
    } else if (size < 65536) {
        bytes += static_cast<char>(0x80 | 126);
        bytes += big_endian(size, 2);
    } else {
        bytes += static_cast<char>(0x80 | 127);
        bytes += big_endian(size, 8);
    }
    bytes.append(mask, sizeof mask);
    for (std::size_t i = 0; i < size; ++i)
        bytes += static_cast<char>(frame.payload[i] ^ mask[i % sizeof mask]);
    return bytes;
}

WsClient::WsClient(std::uint16_t port, const std::string& path, const std::string& fields,
                   int receive_buffer)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0)
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    // SAFETY: the sockets API takes every address as a sockaddr.
    if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
        sys::fail("connect");
    send_raw("GET " + path + " HTTP/1.1\r\nHost: localhost:" + std::to_string(port) +
             "\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
             fields + "\r\n");
    while (received_.find("\r\n\r\n") == std::string::npos) {
        if (!receive()) return;
    }
    const auto end = received_.find("\r\n\r\n") + 4;
    head_ = received_.substr(0, end);
    received_.erase(0, end);
}

bool WsClient::send_raw(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

bool WsClient::receive() {
    pollfd event{socket_.get(), POLLIN, 0};
    if (::poll(&event, 1, static_cast<int>(patience.count())) <= 0) return false;
    char buffer[65536];
    const auto length = ::recv(socket_.get(), buffer, sizeof buffer, 0);
    if (length <= 0) {
        is_at_end_ = true;
        return false;
    }
    received_.append(buffer, static_cast<std::size_t>(length));
    return true;
}

std::optional<Frame> WsClient::read() {
    for (;;) {
        std::size_t head = 2;
        if (received_.size() >= head) {
            std::uint64_t size = static_cast<unsigned char>(received_[1]) & 0x7f;
            const std::size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
            head += extra;
            if (extra > 0 && received_.size() >= head)
                size = number_of(std::string_view{received_}.substr(2, extra));
            if (received_.size() >= head && received_.size() - head >= size) {
                Frame frame{.opcode = received_[0] & 0x0f,
                            .payload = received_.substr(head, size),
                            .fin = (received_[0] & 0x80) != 0};
                received_.erase(0, head + size);
                return frame;
            }
        }
        if (!receive()) return std::nullopt;
    }
}

std::vector<nlohmann::ordered_json> WsClient::read_to_close() {
    std::vector<nlohmann::ordered_json> messages;
    while (const auto frame = read()) {
        if (frame->opcode == 8) {
            close_code = frame->code();
            close_reason = frame->reason();
            break;
        }
        if (frame->opcode == 1)
            messages.push_back(nlohmann::ordered_json::parse(frame->payload, nullptr, false));
    }
    return messages;
}

std::string WsClient::text_of(const std::vector<nlohmann::ordered_json>& messages,
                              const std::string& stream) {
    std::string text;
    for (const auto& message : messages) {
        if (message.value("type", "") == "data" && message.value("stream", "") == stream)
            text += message["data"].get<std::string>();
    }
    return text;
}

bool WsClient::ended() {
    while (receive()) received_.clear();
    return is_at_end_;
}

void WsClient::reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    socket_.reset();
}

void WsClient::close() {
    socket_.reset();
}

}  // namespace support
