// Quantities with their unit in the type, and how people write them.
//
// Sizes are Bytes, times are std::chrono, counts are int. Configuration files, environment and
// flags give them as text ("64MiB", "3s", "64"); the parsers here are the only ones. `unlimited` is
// a value, not a flag: comparing and clamping work on it without a special case.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace config {

struct Bytes {
    std::uint64_t count = 0;

    auto operator<=>(const Bytes&) const = default;
};

using Milliseconds = std::chrono::milliseconds;

inline constexpr Bytes unlimited_bytes{std::numeric_limits<std::uint64_t>::max()};
inline constexpr Milliseconds unlimited_time = Milliseconds::max();
inline constexpr int unlimited_count = std::numeric_limits<int>::max();

// The longest time that is not unlimited: added to a clock or counted in nanoseconds, it fits.
inline constexpr Milliseconds longest_time = std::chrono::hours{24 * 365};

// "4096", "64KiB", "64 MiB", "1GiB", "10MB" (decimal), "unlimited" or "-1". Empty: not a size.
std::optional<Bytes> parse_bytes(std::string_view text);

// "3s", "250ms", "2m", "1h", a bare number of milliseconds, "unlimited" or "-1". Empty: not a time,
// or one beyond longest_time.
std::optional<Milliseconds> parse_duration(std::string_view text);

// "64", "unlimited" or "-1". Empty: not a count.
std::optional<int> parse_count(std::string_view text);

// The shortest exact way to write the quantity with its unit, readable by the parsers above.
std::string to_string(Bytes size);
std::string to_string(Milliseconds time);
std::string to_string(int count);

inline namespace literals {

constexpr Bytes operator""_B(unsigned long long count) {
    return Bytes{count};
}
constexpr Bytes operator""_KiB(unsigned long long count) {
    return Bytes{count << 10};
}
constexpr Bytes operator""_MiB(unsigned long long count) {
    return Bytes{count << 20};
}
constexpr Bytes operator""_GiB(unsigned long long count) {
    return Bytes{count << 30};
}

}  // namespace literals

}  // namespace config
