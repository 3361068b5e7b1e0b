#include "api/wire/json_text.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

namespace wire {

namespace {

constexpr std::size_t block_bytes = 2048;
constexpr std::size_t longest_escape = 6;  // \u001b
constexpr std::size_t longest_character = 4;
constexpr std::size_t word_bytes = sizeof(std::uint64_t);

// ASCII that JSON takes as it stands.
constexpr bool is_plain(unsigned char c) {
    return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

constexpr std::array<bool, 256> plain = [] {
    std::array<bool, 256> table{};
    for (unsigned c = 0; c < table.size(); ++c) table[c] = is_plain(static_cast<unsigned char>(c));
    return table;
}();

// How many of the eight bytes at `from` are plain before the first that is not.
std::size_t plain_bytes(const unsigned char* from) {
    constexpr std::uint64_t each = 0x0101010101010101;
    constexpr std::uint64_t high = each * 0x80;
    std::uint64_t word = 0;
    std::memcpy(&word, from, word_bytes);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    // Subtracting borrows into the high bit of a byte below the subtrahend. A borrow can run on
    // into bytes after the first hit, never before it, and only the first counts.
    const auto zeros = [&](std::uint64_t bytes) { return (bytes - each) & ~bytes; };
    const auto controls = (word - each * 0x20) & ~word;
    const auto hits =
        (word | controls | zeros(word ^ each * '"') | zeros(word ^ each * '\\')) & high;
    return hits == 0 ? word_bytes : static_cast<std::size_t>(std::countr_zero(hits)) / 8;
}

// GCC's vectors: SSE2 on x86-64, NEON on ARM.
using Vector [[gnu::vector_size(16)]] = signed char;

// Whether all bytes are plain.
bool all_plain(Vector bytes) {
    // As signed numbers, those outside ASCII are below the blank, too.
    const Vector special = (bytes < 0x20) | (bytes == '"') | (bytes == '\\');
    std::uint64_t halves[2];
    std::memcpy(halves, &special, sizeof halves);
    return (halves[0] | halves[1]) == 0;
}

// What stands at a place where a character outside ASCII should begin.
struct Sequence {
    std::size_t bytes;                  // of the character, or of the part of it that is there
    enum { whole, cut, broken } state;  // cut: good so far, but the text ends
};

// The second byte's bounds exclude overlong forms, surrogates and what is beyond U+10FFFF.
Sequence sequence_at(const unsigned char* from, const unsigned char* end) {
    const unsigned char lead = *from;
    const auto is_continuation = [](unsigned char c) { return (c & 0xC0) == 0x80; };
    // Most text outside ASCII is made of these two; the loop below decides the same.
    if (lead >= 0xC2 && lead < 0xE0 && end - from >= 2 && is_continuation(from[1])) {
        return {2, Sequence::whole};
    }
    if (lead > 0xE0 && lead < 0xED && end - from >= 3 && is_continuation(from[1]) &&
        is_continuation(from[2])) {
        return {3, Sequence::whole};
    }
    if (lead < 0xC2 || lead > 0xF4) return {1, Sequence::broken};
    const std::size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    unsigned char lowest = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    unsigned char highest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (std::size_t i = 1; i < length; ++i) {
        if (from + i == end) return {i, Sequence::cut};
        if (from[i] < lowest || from[i] > highest) return {i, Sequence::broken};
        lowest = 0x80;
        highest = 0xBF;
    }
    return {length, Sequence::whole};
}

// The length is part of the type, so that it compiles to a store or two.
template <std::size_t size>
char* put(char* to, const char (&literal)[size]) {
    std::memcpy(to, literal, size - 1);
    return to + (size - 1);
}

// The letter after the backslash; 0 where there is none.
constexpr std::array<char, 128> short_escapes = [] {
    std::array<char, 128> letters{};
    letters['"'] = '"';
    letters['\\'] = '\\';
    letters['\n'] = 'n';
    letters['\r'] = 'r';
    letters['\t'] = 't';
    letters['\b'] = 'b';
    letters['\f'] = 'f';
    return letters;
}();

char* put_escape(char* to, unsigned char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (const char letter = short_escapes[c]) {
        to[0] = '\\';
        to[1] = letter;
        return to + 2;
    }
    to = put(to, "\\u00");
    to[0] = digits[c >> 4];
    to[1] = digits[c & 0xf];
    return to + 2;
}

// One character outside ASCII, or what replaces it; moves `from` past it.
char* put_character(char* to, const unsigned char*& from, const unsigned char* end) {
    const auto character = sequence_at(from, end);
    if (character.state != Sequence::whole) {
        from += character.bytes;
        return put(to, "\xEF\xBF\xBD");  // U+FFFD
    }
    for (std::size_t i = 0; i < character.bytes; ++i) to[i] = static_cast<char>(from[i]);
    from += character.bytes;
    return to + character.bytes;
}

}  // namespace

void append_json_text(std::string& to, std::string_view bytes) {
    // A block goes through this buffer, so that no byte pays for a check of the string's capacity.
    // It has room for a block of escapes, and for a vector and the last character that reach beyond
    // it.
    char block[block_bytes * longest_escape + 2 * sizeof(Vector)];
    // Bytes as numbers; unsigned char may alias anything.
    const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto* const end = from + bytes.size();

    to += '"';
    while (from != end) {
        const auto* const block_end =
            from + std::min(block_bytes, static_cast<std::size_t>(end - from));
        char* out = block;
        while (from < block_end) {
            if (end - from >= static_cast<std::ptrdiff_t>(sizeof(Vector))) {
                Vector next;
                std::memcpy(&next, from, sizeof next);
                if (all_plain(next)) {
                    std::memcpy(out, &next, sizeof next);
                    out += sizeof next;
                    from += sizeof next;
                    continue;
                }
            }
            if (end - from >= static_cast<std::ptrdiff_t>(word_bytes)) {
                const auto count = plain_bytes(from);
                std::memcpy(out, from, word_bytes);
                out += count;
                from += count;
                if (count == word_bytes) continue;
            } else if (plain[*from]) {
                *out++ = static_cast<char>(*from++);
                continue;
            }
            // What is special seldom comes alone.
            while (from < block_end && !plain[*from]) {
                out = *from < 0x80 ? put_escape(out, *from++) : put_character(out, from, end);
            }
        }
        to.append(block, static_cast<std::size_t>(out - block));
    }
    to += '"';
}

std::string_view complete_characters(std::string_view bytes) {
    const auto* const begin = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto* const end = begin + bytes.size();
    for (std::size_t back = 1; back < longest_character && back <= bytes.size(); ++back) {
        const auto* const from = end - back;
        const bool is_continuation = *from >= 0x80 && *from < 0xC0;
        if (is_continuation) continue;
        if (*from >= 0x80 && sequence_at(from, end).state == Sequence::cut)
            bytes.remove_suffix(back);
        break;
    }
    return bytes;
}

std::string valid_text(std::string_view bytes) {
    const auto* from = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto* const end = from + bytes.size();
    std::string text;
    text.reserve(bytes.size());
    while (from != end) {
        char character[longest_character];
        char* to = character;
        if (*from < 0x80) {
            *to++ = static_cast<char>(*from++);
        } else {
            to = put_character(to, from, end);
        }
        text.append(character, static_cast<std::size_t>(to - character));
    }
    return text;
}

std::string_view first_units(std::string_view bytes, std::size_t most) {
    if (bytes.size() <= most) return bytes;  // no byte is more than one unit
    const auto* const begin = reinterpret_cast<const unsigned char*>(bytes.data());
    const auto* const end = begin + bytes.size();
    const auto* from = begin;
    for (std::size_t units = 0; from < end;) {
        const auto sequence = *from < 0x80 ? Sequence{1, Sequence::whole} : sequence_at(from, end);
        const bool is_pair =
            sequence.state == Sequence::whole && sequence.bytes == longest_character;
        units += is_pair ? 2 : 1;
        if (units > most) break;
        from += sequence.bytes;
    }
    return bytes.substr(0, static_cast<std::size_t>(from - begin));
}

}  // namespace wire
