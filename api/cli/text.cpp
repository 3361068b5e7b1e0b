#include "api/cli/text.h"

#include <array>
#include <cstdio>

namespace cli {

namespace {

bool continues(char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// What a character that begins with this byte looks like (RFC 3629, section 4).
struct Form {
    std::size_t bytes = 0;  // 0: no character begins so
    unsigned char lowest_second = 0x80, highest_second = 0xBF;
};

Form form_of(unsigned char first) {
    if (first < 0x80) return {1};
    if (first < 0xC2) return {};
    if (first < 0xE0) return {2};
    if (first == 0xE0) return {3, 0xA0};        // less would be overlong
    if (first == 0xED) return {3, 0x80, 0x9F};  // more are surrogates
    if (first < 0xF0) return {3};
    if (first == 0xF0) return {4, 0x90};
    if (first < 0xF4) return {4};
    if (first == 0xF4) return {4, 0x80, 0x8F};  // more is beyond Unicode
    return {};
}

}  // namespace

std::string printable(std::string_view text) {
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
        if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
            result += '?';
            ++i;
        } else {
            result += byte < 0x20 || byte == 0x7F ? '?' : text[i];
        }
    }
    return result;
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto form = form_of(static_cast<unsigned char>(text.front()));
        if (form.bytes == 0 || form.bytes > text.size()) return false;
        for (std::size_t i = 1; i < form.bytes; ++i) {
            if (!continues(text[i])) return false;
        }
        if (form.bytes > 1) {
            const auto second = static_cast<unsigned char>(text[1]);
            if (second < form.lowest_second || second > form.highest_second) return false;
        }
        text.remove_prefix(form.bytes);
    }
    return true;
}

std::size_t columns(std::string_view text) {
    std::size_t count = 0;
    for (const char byte : text) count += continues(byte) ? 0 : 1;
    return count;
}

std::string shortened(std::string_view text, std::size_t most) {
    if (columns(text) <= most) return std::string{text};
    if (most == 0) return {};
    std::size_t end = 0;
    for (std::size_t taken = 0; end < text.size(); ++end) {
        if (!continues(text[end]) && ++taken == most) break;
    }
    return std::string{text.substr(0, end)} + "…";
}

std::string human_size(std::uint64_t bytes) {
    if (bytes < 1024) return std::to_string(bytes) + " B";
    constexpr std::array units{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    auto value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    // Not 1024: 1023.7 would be shown as "1024 KiB".
    for (; value >= 999.5 && unit + 1 < units.size(); ++unit) value /= 1024;
    std::array<char, 32> text{};
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    std::snprintf(text.data(), text.size(), "%.*f %s", decimals, value, units[unit]);
    return text.data();
}

std::string human_time(std::chrono::milliseconds time) {
    const auto seconds = std::chrono::round<std::chrono::seconds>(time).count();
    std::array<char, 48> text{};
    if (seconds < 3600) {
        std::snprintf(text.data(), text.size(), "%lld:%02lld", static_cast<long long>(seconds / 60),
                      static_cast<long long>(seconds % 60));
    } else {
        std::snprintf(
            text.data(), text.size(), "%lld:%02lld:%02lld", static_cast<long long>(seconds / 3600),
            static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
    }
    return text.data();
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const auto end = text.find(separator);
        if (end != 0) parts.emplace_back(text.substr(0, end));
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    return parts;
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
    std::string text;
    for (const auto& part : parts) {
        if (!text.empty()) text += separator;
        text += part;
    }
    return text;
}

std::string lower_case(std::string_view text) {
    std::string result{text};
    for (char& letter : result) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return result;
}

}  // namespace cli
