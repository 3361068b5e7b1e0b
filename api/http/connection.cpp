#include "api/http/connection.h"

#include <algorithm>
#include <utility>

#include "api/http/inflate.h"

namespace http {

namespace {

// Pipelined requests are rare and small. Pistache reads on whatever we do, so this is where it
// ends.
constexpr auto most_ahead = std::size_t{64} << 10;

// A client that is refused early may go on sending for a while before it reads why; closing at once
// would reset the connection and destroy the answer (RFC 9112, section 9.6).
constexpr auto most_ignored = std::uint64_t{64} << 20;

// Fast parsers read a few bytes beyond the end, and copy what has no room there.
constexpr std::size_t spare_bytes = 64;

}  // namespace

Connection::Outcome Connection::receive(std::string_view bytes) {
    switch (phase_) {
        case Phase::closed:
            ignored_ += bytes.size();
            return ignored_ > most_ignored ? Outcome::overrun : Outcome::incomplete;
        case Phase::busy:
            if (bytes.size() > most_ahead - ahead_.size()) return Outcome::overrun;
            ahead_ += bytes;
            return Outcome::incomplete;
        default:
            return read(bytes);
    }
}

Request Connection::take() {
    phase_ = Phase::busy;
    head_.request.body = std::exchange(body_, {});
    return std::exchange(head_, {}).request;
}

Connection::Outcome Connection::resume() {
    phase_ = Phase::idle;
    const auto bytes = std::exchange(ahead_, {});
    return read(bytes);
}

std::string Connection::take_ahead() {
    return std::exchange(ahead_, {});
}

void Connection::close() {
    phase_ = Phase::closed;
    text_ = {};
    body_ = {};
    ahead_ = {};
}

Connection::Outcome Connection::read(std::string_view bytes) {
    auto outcome = Outcome::incomplete;
    if (phase_ != Phase::body) outcome = read_header(bytes);
    if (phase_ != Phase::body || bytes.empty()) return outcome;
    return chunks_ ? read_chunks(bytes) : read_plain_body(bytes);
}

Connection::Outcome Connection::read_header(std::string_view& bytes) {
    const auto [verdict, consumed] = scanner_.scan(bytes);
    if (consumed > bounds_.header.count - text_.size())
        return refuse(problem(431, "the header is longer than " + to_string(bounds_.header) +
                                       " (server.header_limit)"));
    text_ += bytes.substr(0, consumed);
    bytes.remove_prefix(consumed);
    if (verdict == HeadScanner::Verdict::malformed)
        return refuse(problem(400, "malformed HTTP: a line does not end as it should"));
    if (verdict == HeadScanner::Verdict::incomplete) {
        phase_ = scanner_.started() ? Phase::header : Phase::idle;
        return Outcome::incomplete;
    }

    const auto text = std::exchange(text_, {});
    auto head = read_head(std::string_view{text}.substr(text.find_first_not_of("\r\n")));
    if (auto* const refusal = std::get_if<Response>(&head)) return refuse(std::move(*refusal));
    head_ = std::get<Head>(std::move(head));
    if (!head_.has_body()) return finish(bytes);
    const auto outcome = begin_body();
    // A client that has sent some of the body does not wait for leave to send it.
    const auto too_late = outcome == Outcome::expects && !bytes.empty();
    return too_late ? Outcome::incomplete : outcome;
}

Connection::Outcome Connection::begin_body() {
    if (head_.body_size > bounds_.body.count) return refuse_size();
    phase_ = Phase::body;
    if (head_.chunked) {
        chunks_.emplace(bounds_.body.count, bounds_.header.count);
    } else {
        body_.reserve(head_.body_size + spare_bytes);
    }
    return head_.expects_continue ? Outcome::expects : Outcome::incomplete;
}

Connection::Outcome Connection::read_plain_body(std::string_view& bytes) {
    const auto count = std::min<std::uint64_t>(head_.body_size - body_.size(), bytes.size());
    body_ += bytes.substr(0, count);
    bytes.remove_prefix(count);
    return body_.size() < head_.body_size ? Outcome::incomplete : finish(bytes);
}

Connection::Outcome Connection::read_chunks(std::string_view& bytes) {
    switch (chunks_->decode(bytes, body_)) {
        case ChunkDecoder::Verdict::incomplete:
            return Outcome::incomplete;
        case ChunkDecoder::Verdict::malformed:
            return refuse(problem(400, "malformed HTTP: the body is not chunked as it should be"));
        case ChunkDecoder::Verdict::too_large:
            return refuse_size();
        case ChunkDecoder::Verdict::complete:
            break;
    }
    chunks_.reset();
    return finish(bytes);
}

Connection::Outcome Connection::finish(std::string_view rest) {
    if (head_.coding != Coding::none && !body_.empty()) {
        const auto encoded = std::exchange(body_, {});
        switch (inflate(head_.coding, encoded, bounds_.body.count, body_)) {
            case Inflation::complete:
                break;
            case Inflation::malformed:
                return refuse(problem(400, "the body is not what its Content-Encoding says"));
            case Inflation::too_large:
                return refuse_size();
        }
    }
    phase_ = Phase::busy;
    if (rest.size() > most_ahead) return Outcome::overrun;
    ahead_ = rest;
    return Outcome::request;
}

Connection::Outcome Connection::refuse(Response response) {
    close();
    refusal_ = std::move(response);
    return Outcome::refused;
}

// Piston's status and error name, and beside them what an operator can do.
Connection::Outcome Connection::refuse_size() {
    auto response = body_problem("the request body is larger than " + to_string(bounds_.body) +
                                     "; server.body_limit sets this",
                                 "PayloadTooLargeError: request entity too large");
    return refuse(std::move(response));
}

}  // namespace http
