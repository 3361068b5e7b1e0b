// A WebSocket from the client's side. libwslay does the framing and knows no sockets; this owns the
// socket, which never blocks: whoever owns this polls it, together with whatever else they wait
// for, and calls exchange().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "isolate/sys/fd.h"

namespace cli {

class WebSocket {
public:
    // Connects, asks for a WebSocket and waits for the answer, 10 s for each. `base` is a
    // base_url(). Throws Failure with the exit code of the status if the engine refuses or does not
    // speak http://, sys::Error{broken} if nobody answers.
    static WebSocket open(const std::string& base, const std::string& token);

    // A connection whose upgrade is done; `received` are bytes that came behind it. A message may
    // have 64 MiB.
    WebSocket(sys::UniqueFd socket, std::string received);
    WebSocket(const WebSocket&) = delete;
    WebSocket& operator=(const WebSocket&) = delete;
    WebSocket(WebSocket&&) noexcept;
    WebSocket& operator=(WebSocket&&) noexcept;
    ~WebSocket();

    // What to poll, and for what; no events once it has ended.
    const sys::UniqueFd& socket() const;
    short events() const;

    // Queues one message of text, at any time.
    void send(const std::string& text);
    // Bytes that are queued and not sent.
    std::size_t waiting() const;
    // Queues a farewell, behind which nothing is sent.
    void close();

    // Sends and receives what can be without waiting, at most some 256 KiB at once.
    void exchange();
    // The next message that has come.
    std::optional<std::string> next();

    // Nothing more will come: closed by either side, or cut.
    bool ended() const;
    // The code the engine closed with (RFC 6455, section 7.4); 0 if it did not say.
    std::uint16_t close_code() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace cli
