#include "api/http/chunks.h"

#include <algorithm>

namespace http {

namespace {

constexpr int most_digits = 15;  // 60 bits: no sum below overflows

int hex_digit(char byte) {
    if (byte >= '0' && byte <= '9') return byte - '0';
    if (byte >= 'a' && byte <= 'f') return byte - 'a' + 10;
    if (byte >= 'A' && byte <= 'F') return byte - 'A' + 10;
    return -1;
}

}  // namespace

ChunkDecoder::Verdict ChunkDecoder::decode(std::string_view& bytes, std::string& body) {
    while (!bytes.empty()) {
        if (state_ == State::data) {
            const auto count = std::min<std::uint64_t>(size_, bytes.size());
            body.append(bytes.substr(0, count));
            bytes.remove_prefix(count);
            size_ -= count;
            if (size_ == 0) state_ = State::data_return;
            continue;
        }
        const auto verdict = step(bytes.front());
        bytes.remove_prefix(1);
        if (verdict != Verdict::incomplete) return verdict;
    }
    return Verdict::incomplete;
}

ChunkDecoder::Verdict ChunkDecoder::step(char byte) {
    switch (state_) {
        case State::size:
            return read_size(byte);
        case State::extension:
            return skip_text(byte, State::size_end);
        case State::size_end: {
            const auto last = size_ == 0;
            digits_ = 0;
            return expect(byte, '\n', last ? State::trailer_start : State::data);
        }
        case State::data_return:
            return expect(byte, '\r', State::data_end);
        case State::data_end:
            return expect(byte, '\n', State::size);
        case State::trailer_start:
            return begin_trailer(byte);
        case State::trailer:
            return skip_text(byte, State::trailer_end);
        case State::trailer_end:
            return expect(byte, '\n', State::trailer_start);
        case State::last_end:
            return byte == '\n' ? Verdict::complete : Verdict::malformed;
        case State::data:
            break;  // taken whole in decode()
    }
    return Verdict::malformed;
}

ChunkDecoder::Verdict ChunkDecoder::read_size(char byte) {
    const auto digit = hex_digit(byte);
    if (digit >= 0) {
        if (++digits_ > most_digits) return Verdict::malformed;
        size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
        return Verdict::incomplete;
    }
    // No blanks, no sign, no empty size: what one reader skips, another stops at.
    if (digits_ == 0 || (byte != '\r' && byte != ';')) return Verdict::malformed;
    total_ += size_;
    if (total_ > body_limit_) return Verdict::too_large;
    state_ = byte == '\r' ? State::size_end : State::extension;
    return Verdict::incomplete;
}

ChunkDecoder::Verdict ChunkDecoder::skip_text(char byte, State next) {
    if (++overhead_ > overhead_limit_) return Verdict::malformed;
    if (byte == '\r') {
        state_ = next;
        return Verdict::incomplete;
    }
    const auto control = (byte >= 0 && byte < ' ' && byte != '\t') || byte == 127;
    return control ? Verdict::malformed : Verdict::incomplete;
}

ChunkDecoder::Verdict ChunkDecoder::begin_trailer(char byte) {
    if (byte == '\r') return expect(byte, '\r', State::last_end);
    if (byte == ' ' || byte == '\t') return Verdict::malformed;
    state_ = State::trailer;
    return skip_text(byte, State::trailer_end);
}

ChunkDecoder::Verdict ChunkDecoder::expect(char byte, char wanted, State next) {
    if (byte != wanted) return Verdict::malformed;
    state_ = next;
    return Verdict::incomplete;
}

}  // namespace http
