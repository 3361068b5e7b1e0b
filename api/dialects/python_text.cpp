#include "api/dialects/python_text.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "api/dialects/fields.h"

namespace dialects {

namespace {

constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> digits = [] {
    std::array<std::uint8_t, 256> values{};
    values.fill(no_digit);
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::size_t i = 0; i < alphabet.size(); ++i)
        values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
    return values;
}();

unsigned char byte_at(std::string_view bytes, std::size_t place) {
    return static_cast<unsigned char>(bytes[place]);
}

// What may follow the first byte of a character (RFC 3629, section 4); length 0: nothing begins so.
struct Sequence {
    std::size_t length;
    unsigned char low = 0x80, high = 0xbf;  // of the second byte
};

Sequence sequence_after(unsigned char first) {
    if (first < 0x80) return {1};
    if (first < 0xc2) return {0};
    if (first < 0xe0) return {2};
    if (first == 0xe0) return {3, 0xa0, 0xbf};
    if (first == 0xed) return {3, 0x80, 0x9f};
    if (first < 0xf0) return {3};
    if (first == 0xf0) return {4, 0x90, 0xbf};
    if (first < 0xf4) return {4};
    if (first == 0xf4) return {4, 0x80, 0x8f};
    return {0};
}

[[noreturn]] void refuse_bytes(std::string_view bytes, std::size_t begin, std::size_t count,
                               const char* why) {
    std::array<char, 128> text{};
    if (count == 1) {
        std::snprintf(text.data(), text.size(),
                      "'utf-8' codec can't decode byte 0x%02x in position %zu: %s",
                      static_cast<unsigned>(byte_at(bytes, begin)), begin, why);
    } else {
        std::snprintf(text.data(), text.size(),
                      "'utf-8' codec can't decode bytes in position %zu-%zu: %s", begin,
                      begin + count - 1, why);
    }
    refuse(text.data());
}

// The length of the character there, which must be whole.
std::size_t checked_character(std::string_view bytes, std::size_t begin) {
    const auto sequence = sequence_after(byte_at(bytes, begin));
    if (sequence.length == 0) refuse_bytes(bytes, begin, 1, "invalid start byte");
    for (std::size_t i = 1; i < sequence.length; ++i) {
        if (begin + i == bytes.size()) refuse_bytes(bytes, begin, i, "unexpected end of data");
        const auto byte = byte_at(bytes, begin + i);
        const auto low = i == 1 ? sequence.low : 0x80;
        const auto high = i == 1 ? sequence.high : 0xbf;
        if (byte < low || byte > high) refuse_bytes(bytes, begin, i, "invalid continuation byte");
    }
    return sequence.length;
}

}  // namespace

std::string b64decode(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t pending = 0;  // its lowest bits are those not written yet
    unsigned in_quad = 0;       // digits of the four that three bytes are
    unsigned pads = 0;          // one after the other
    for (const char character : text) {
        const auto byte = static_cast<unsigned char>(character);
        if (byte >= 0x80) refuse("string argument should contain only ASCII characters");
    }
    for (const char character : text) {
        if (character == '=') {
            if (in_quad >= 2 && in_quad + ++pads >= 4) return bytes;
            continue;
        }
        const auto digit = digits[static_cast<unsigned char>(character)];
        if (digit == no_digit) continue;
        pads = 0;
        pending = pending << 6 | digit;
        in_quad = (in_quad + 1) % 4;
        constexpr unsigned shifts[] = {0, 0, 4, 2};  // of what the digits so far have beyond bytes
        if (in_quad != 1) bytes += static_cast<char>(pending >> shifts[in_quad] & 0xff);
    }
    if (in_quad == 1) {
        refuse("Invalid base64-encoded string: number of data characters (" +
               std::to_string(bytes.size() / 3 * 4 + 1) +
               ") cannot be 1 more than a multiple of 4");
    }
    if (in_quad != 0) refuse("Incorrect padding");
    return bytes;
}

void check_utf8(std::string_view bytes) {
    for (std::size_t place = 0; place < bytes.size();) place += checked_character(bytes, place);
}

}  // namespace dialects
