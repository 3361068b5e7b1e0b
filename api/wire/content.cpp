#include "api/wire/content.h"

#include <array>
#include <cstdint>

namespace wire {

namespace {

constexpr std::uint8_t no_digit = 0xff;
constexpr std::uint8_t padding = 0xfe;

using Digits = std::array<std::uint8_t, 256>;

constexpr void number_from(Digits& digits, std::string_view characters, std::uint8_t first) {
    for (const char character : characters) digits[static_cast<unsigned char>(character)] = first++;
}

constexpr Digits base64_digits = [] {
    Digits digits{};
    digits.fill(no_digit);
    number_from(digits, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 0);
    number_from(digits, "-_", 62);
    digits['='] = padding;
    return digits;
}();

constexpr Digits hex_digits = [] {
    Digits digits{};
    digits.fill(no_digit);
    number_from(digits, "0123456789abcdef", 0);
    number_from(digits, "ABCDEF", 10);
    return digits;
}();

}  // namespace

std::string decode_base64(std::string_view text) {
    std::string bytes(text.size() / 4 * 3 + 3, '\0');
    auto* out = bytes.data();
    std::uint32_t pending = 0;  // its lowest bits are those not written yet
    unsigned pending_bits = 0;
    for (const char character : text) {
        const auto digit = base64_digits[static_cast<unsigned char>(character)];
        if (digit == padding) break;
        if (digit == no_digit) continue;
        pending = pending << 6 | digit;
        pending_bits += 6;
        if (pending_bits < 24) continue;
        for (const unsigned shift : {16U, 8U, 0U})
            *out++ = static_cast<char>(pending >> shift & 0xff);
        pending_bits = 0;
    }
    while (pending_bits >= 8) {
        pending_bits -= 8;
        *out++ = static_cast<char>(pending >> pending_bits & 0xff);
    }
    bytes.resize(static_cast<std::size_t>(out - bytes.data()));
    return bytes;
}

std::string decode_hex(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        const auto high = hex_digits[static_cast<unsigned char>(text[i])];
        const auto low = hex_digits[static_cast<unsigned char>(text[i + 1])];
        if (high == no_digit || low == no_digit) break;
        bytes += static_cast<char>(high << 4 | low);
    }
    return bytes;
}

}  // namespace wire
