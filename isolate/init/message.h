// Receiving and answering inside the container: one message at a time, in fixed memory, checked
// before anything in it is believed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "isolate/protocol.h"
#include "isolate/sys/socket.h"

namespace isolate {

// A received message. The payload lies in the buffer or in a mapped memfd; both live until the next
// receive.
class Message {
public:
    Message() = default;
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;
    ~Message() { unmap(); }

    // Waits for the next message. False at the end of the stream or if the peer broke the rules:
    // the caller exits, which ends the container.
    // Of a message of several orders, each is received by itself, with the descriptors of all.
    bool receive(const sys::UniqueFd& socket);

    const Head& head() const { return head_; }
    std::span<const std::byte> payload() const { return payload_; }
    sys::PassedFds& fds() { return fds_; }

    // Copies the fixed body out. False if the message is too short for it.
    template <typename Body>
    bool read_body(Body& body) {
        return take(std::as_writable_bytes(std::span{&body, 1}));
    }

private:
    bool take(std::span<std::byte> target);
    bool unpack();
    bool find_payload(std::size_t length);
    bool map_payload();
    void unmap();

    Head head_{};
    std::span<const std::byte> rest_;  // behind the head: body, then an inline payload
    std::span<const std::byte> payload_;
    std::span<const std::byte> packed_;  // orders that were received and are still to be told
    sys::PassedFds fds_;
    void* mapping_ = nullptr;
    std::size_t mapped_bytes_ = 0;
    std::byte buffer_[max_message];
};

// Sends a head and a body. False: the peer is gone or will not learn what it waits for, and the
// caller exits, which tells it so.
template <typename Body>
[[nodiscard]] bool answer(const sys::UniqueFd& socket, Verb verb, std::uint32_t serial,
                          const Body& body) {
    const Head head{verb, serial, 0, 0};
    const std::span<const std::byte> pieces[] = {sys::bytes_of(head), sys::bytes_of(body)};
    return sys::send_message(socket, pieces) == 0;
}

}  // namespace isolate
