#include "config/units.h"

#include <charconv>
#include <span>
#include <system_error>

namespace config {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Largest first; of two equally short ways to write a quantity the earlier unit wins.
constexpr Unit size_units[] = {
    {"GiB", 1ull << 30},
    {"GB", 1'000'000'000},
    {"MiB", 1ull << 20},
    {"MB", 1'000'000},
    {"KiB", 1ull << 10},
    {"KB", 1'000},
    {"", 1},
    {"B", 1},
};
constexpr Unit time_units[] = {
    {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}, {"", 1},
};
constexpr Unit no_units[] = {{"", 1}};

bool is_unlimited(std::string_view text) {
    return text == "unlimited" || text == "-1";
}

// The number in units of one, if it is a whole number with one of the units and at most `largest`.
std::optional<std::uint64_t> parse(std::string_view text, std::span<const Unit> units,
                                   std::uint64_t largest) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;

    auto name = text.substr(static_cast<std::size_t>(end - text.data()));
    if (name.size() > 1 && name.front() == ' ') name.remove_prefix(1);
    for (const auto& unit : units) {
        if (unit.name != name) continue;
        if (number > largest / unit.factor) return std::nullopt;
        return number * unit.factor;
    }
    return std::nullopt;
}

std::string shortest(std::uint64_t number, std::span<const Unit> units) {
    auto best = std::string{};
    for (const auto& unit : units) {
        if (number % unit.factor != 0) continue;
        auto text = std::to_string(number / unit.factor).append(unit.name);
        if (best.empty() || text.size() < best.size()) best = std::move(text);
    }
    return best;
}

}  // namespace

std::optional<Bytes> parse_bytes(std::string_view text) {
    if (is_unlimited(text)) return unlimited_bytes;
    const auto number = parse(text, size_units, unlimited_bytes.count);
    if (!number) return std::nullopt;
    return Bytes{*number};
}

std::optional<Milliseconds> parse_duration(std::string_view text) {
    if (is_unlimited(text)) return unlimited_time;
    const auto number = parse(text, time_units, static_cast<std::uint64_t>(longest_time.count()));
    if (!number) return std::nullopt;
    return Milliseconds{*number};
}

std::optional<int> parse_count(std::string_view text) {
    if (is_unlimited(text)) return unlimited_count;
    const auto number = parse(text, no_units, unlimited_count);
    if (!number) return std::nullopt;
    return static_cast<int>(*number);
}

std::string to_string(Bytes size) {
    if (size == unlimited_bytes) return "unlimited";
    return size.count == 0 ? "0" : shortest(size.count, size_units);
}

std::string to_string(Milliseconds time) {
    if (time == unlimited_time) return "unlimited";
    // A bare number would be shorter, but nobody could tell its unit.
    const auto with_unit = std::span(time_units).first(std::size(time_units) - 1);
    return time.count() <= 0 ? "0s" : shortest(static_cast<std::uint64_t>(time.count()), with_unit);
}

std::string to_string(int count) {
    return count == unlimited_count ? "unlimited" : std::to_string(count);
}

}  // namespace config
