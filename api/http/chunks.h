// Takes the chunked transfer coding off a body (RFC 9112, section 7.1), byte by byte and strictly.
//
// Extensions and trailers are read and forgotten, as the RFC asks, but together they may not be
// longer than a header: one-byte chunks with long extensions are an attack. Pure; errors are
// values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace http {

class ChunkDecoder {
public:
    enum class Verdict { incomplete, complete, malformed, too_large };

    // `body_limit` bounds the decoded body, `overhead_limit` extensions and trailers.
    ChunkDecoder(std::uint64_t body_limit, std::uint64_t overhead_limit)
        : body_limit_(body_limit), overhead_limit_(overhead_limit) {}

    // Appends decoded bytes to `body` and removes from `bytes` what was used: all of it unless the
    // body is complete. After any verdict but `incomplete` the decoder is used up.
    Verdict decode(std::string_view& bytes, std::string& body);

private:
    enum class State {
        size,
        extension,
        size_end,
        data,
        data_return,
        data_end,
        trailer_start,
        trailer,
        trailer_end,
        last_end,
    };

    Verdict step(char byte);
    Verdict read_size(char byte);
    Verdict skip_text(char byte, State next);
    Verdict begin_trailer(char byte);
    Verdict expect(char byte, char wanted, State next);

    const std::uint64_t body_limit_;
    const std::uint64_t overhead_limit_;
    std::uint64_t total_ = 0;  // announced so far
    std::uint64_t size_ = 0;   // of this chunk, still to come
    std::uint64_t overhead_ = 0;
    int digits_ = 0;
    State state_ = State::size;
};

}  // namespace http
