// A WebSocket client for tests: sends exactly the frames it is told to, also impossible ones.
#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "isolate/sys/fd.h"

namespace support {

struct Frame {
    int opcode = 1;  // 0 continuation, 1 text, 2 binary, 8 close, 9 ping, 10 pong
    std::string payload;
    bool fin = true;

    // Of a close frame.
    int code() const;
    std::string reason() const { return payload.size() > 2 ? payload.substr(2) : ""; }
};

// A frame as a client writes it.
std::string masked(const Frame& frame);

class WsClient {
public:
    // Connects to a port of the loopback and shakes hands; `fields` are further header lines with
    // their ends. A receive buffer of 0 bytes leaves the kernel's choice.
    explicit WsClient(std::uint16_t port, const std::string& path = "/api/v2/connect",
                      const std::string& fields = {}, int receive_buffer = 0);

    // The head of the answer to the handshake.
    const std::string& head() const { return head_; }

    // False if the server has closed.
    bool send_raw(std::string_view bytes);
    bool send(const Frame& frame) { return send_raw(masked(frame)); }
    bool send_text(const std::string& text) { return send({.opcode = 1, .payload = text}); }
    bool send_json(const nlohmann::ordered_json& json) { return send_text(json.dump()); }

    // The next frame; empty if the connection ended or the patience ran out.
    std::optional<Frame> read();

    // Reads texts up to the close; answers nothing. Texts that are no JSON become null.
    std::vector<nlohmann::ordered_json> read_to_close();
    // What the close frame said, once read_to_close() has seen it.
    int close_code = 0;
    std::string close_reason;

    // Everything of one stream that a list of messages holds.
    static std::string text_of(const std::vector<nlohmann::ordered_json>& messages,
                               const std::string& stream);

    bool ended();
    void reset();  // by RST
    void close();

    std::chrono::milliseconds patience{20'000};

private:
    bool receive();

    sys::UniqueFd socket_;
    std::string head_, received_;
    bool is_at_end_ = false;
};

}  // namespace support
