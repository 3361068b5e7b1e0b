// API keys as the file of keys.file has them: one a line, without the keys themselves.
//
//   <name> sha256:<digest> scopes=run,install rate=10/s burst=20 jobs=4
//
// Only name and digest must be there. '#' begins a comment. Keys are 256 random bits, so that their
// digests can be in a file that others read: there is nothing to guess. Pure; making and comparing
// digests is left to whoever has a key.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/units.h"

namespace config {

// What a key is for. Whoever has admin may everything.
enum class Scope : std::uint8_t { run = 1, install = 2, admin = 4 };

// "run", "install" or "admin".
std::string_view name_of(Scope scope);

// How many jobs in which time, and how many at once after a pause.
struct KeyRate {
    int count = 0;  // 0: any number
    Milliseconds window{0};
    int burst = 0;

    bool operator==(const KeyRate&) const = default;
};

using KeyDigest = std::array<std::uint8_t, 32>;  // SHA-256

struct Key {
    std::string name;
    KeyDigest digest{};
    std::uint8_t scopes = static_cast<std::uint8_t>(Scope::run);
    KeyRate rate{};
    int jobs = 0;  // of admission.concurrent_jobs at once; 0: all of them

    bool may(Scope scope) const;

    bool operator==(const Key&) const = default;
};

// More would be a lookup that is felt.
inline constexpr std::size_t most_keys = 4096;

// Throws SettingsError naming the line for what is no key, for a name or a digest that is there
// twice, and for more keys than most_keys.
std::vector<Key> parse_keys(std::string_view text);

// The line of a key, without its end: what parse_keys reads back.
std::string line_of(const Key& key);

// "run,install"; "10/s", "600/m", "5/h". Empty result or false: it is not that.
std::uint8_t parse_scopes(std::string_view text);
bool parse_rate(std::string_view text, KeyRate& rate);

// The text without the line of that name, everything else as it was; the same text if there is
// none.
std::string without_key(std::string_view text, std::string_view name);

}  // namespace config
