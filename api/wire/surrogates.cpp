#include "api/wire/surrogates.h"

#include <charconv>

namespace wire {

namespace {

constexpr std::size_t escape_length = 6;  // \u0000

// The unit that an escape at this place stands for; empty if there is none.
std::optional<unsigned> unit_at(std::string_view json, std::size_t at) {
    if (at > json.size() || json.size() - at < escape_length || json[at] != '\\' ||
        json[at + 1] != 'u')
        return {};
    unsigned unit = 0;
    const auto* first = json.data() + at + 2;
    const auto* last = json.data() + at + escape_length;
    const auto [end, error] = std::from_chars(first, last, unit, 16);
    if (error != std::errc{} || end != last) return {};
    return unit;
}

bool is_high(unsigned unit) {
    return unit >= 0xd800 && unit < 0xdc00;
}
bool is_low(unsigned unit) {
    return unit >= 0xdc00 && unit < 0xe000;
}

}  // namespace

std::optional<std::string> without_half_characters(std::string_view json) {
    std::string mended;
    bool changed = false;
    for (std::size_t at = 0; at < json.size();) {
        std::size_t length = 1;
        if (const auto unit = unit_at(json, at)) {
            length = escape_length;
            const auto next = unit_at(json, at + length);
            if (is_high(*unit) && next && is_low(*next)) {
                length += escape_length;
            } else if (is_high(*unit) || is_low(*unit)) {
                mended += "\\ufffd";
                changed = true;
                at += length;
                continue;
            }
        } else if (json[at] == '\\' && at + 1 < json.size()) {
            length = 2;  // "\\u" is a backslash and a letter
        }
        mended += json.substr(at, length);
        at += length;
    }
    return changed ? std::optional{std::move(mended)} : std::nullopt;
}

}  // namespace wire
