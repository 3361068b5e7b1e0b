// The frames of one WebSocket, without a socket: bytes to messages, messages to bytes.
//
// RFC 6455 by wslay: fragments are joined, pings are answered, masks, UTF-8 and close codes are
// checked, and whatever breaks the protocol is answered with the close it deserves. Any thread may
// call; what it sends goes out in the order of the calls.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"

namespace ws {

struct Message {
    bool is_text = true;
    std::string data;

    bool operator==(const Message&) const = default;
};

class Channel {
public:
    // `write` takes the bytes that go out; it is called with the channel locked and must not call
    // back. A message of more than `most` is refused with close 1009.
    Channel(config::Bytes most, std::function<void(std::string)> write);
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel();

    // Takes what arrived, whatever its cut; returns the messages that are complete. What comes
    // after the client's close is ignored.
    std::vector<Message> receive(std::string_view bytes);

    void send_text(std::string_view text);

    // Begins or answers the end; nothing is sent after it. The reason is at most 123 bytes. A last
    // message, if it is not empty, goes out before it with nothing in between.
    void close(std::uint16_t code, std::string_view reason, std::string_view last_text = {});

    // Nothing will be sent any more.
    bool is_closing() const;
    // Both sides have said so: the connection can end.
    bool is_closed() const;

private:
    class State;

    const std::unique_ptr<State> state_;
};

}  // namespace ws
