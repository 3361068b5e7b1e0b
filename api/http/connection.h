// The bytes of one client, as requests: framing without a socket, a clock or a thread.
//
// Bytes go in as they come from the network; out comes one request at a time. While a request is
// being answered, what the client sends ahead is kept, a little of it; resume() then goes on with
// it. What is no acceptable request ends in a refusal, after which nothing is read any more, so
// that there is never a second opinion about where a request begins. Law: how the bytes were cut
// never changes the result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/chunks.h"
#include "api/http/head.h"
#include "api/http/message.h"
#include "config/units.h"

namespace http {

// What a client may send.
struct Bounds {
    config::Bytes header;
    config::Bytes body;
};

class Connection {
public:
    enum class Outcome {
        incomplete,  // more bytes are needed
        expects,  // likewise, and the client waits to be told "100 Continue"; said once a request
        request,  // take() it
        refused,  // answer with refusal(), then close
        overrun,  // too much was sent ahead or after a refusal: close at once
    };

    enum class Phase { idle, header, body, busy, closed };

    explicit Connection(const Bounds& bounds) : bounds_(bounds) {}

    Outcome receive(std::string_view bytes);

    // The complete request; the phase is busy until resume().
    Request take();

    // The request taken last has been answered: reads on in what was sent ahead.
    Outcome resume();

    // What was sent behind the request taken last, for somebody who speaks another protocol.
    std::string take_ahead();

    // Reads nothing any more.
    void close();

    Phase phase() const { return phase_; }
    const Response& refusal() const { return refusal_; }

    // Bytes held that belong to no complete request yet.
    std::size_t held() const { return text_.size() + body_.size() + ahead_.size(); }

private:
    Outcome read(std::string_view bytes);
    Outcome read_header(std::string_view& bytes);
    Outcome read_plain_body(std::string_view& bytes);
    Outcome read_chunks(std::string_view& bytes);
    Outcome begin_body();
    Outcome finish(std::string_view rest);
    Outcome refuse(Response response);
    Outcome refuse_size();

    const Bounds bounds_;
    Phase phase_ = Phase::idle;
    HeadScanner scanner_;
    std::string text_;  // of the header so far
    Head head_;
    std::optional<ChunkDecoder> chunks_;
    std::string body_;   // of the request that is being read, or is complete and not taken
    std::string ahead_;  // sent after it
    std::uint64_t ignored_ = 0;
    Response refusal_;
};

}  // namespace http
