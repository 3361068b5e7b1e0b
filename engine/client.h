// Whose job it is, as far as taking turns goes: a value to compare, made by whoever knows the
// client. Two jobs of one value take turns as one.
#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace engine {

struct Client {
    enum class Kind : std::uint8_t {
        nobody,   // no way to tell
        engine,   // the engine itself, proving that it works
        address,  // IPv4 whole, of IPv6 the /64
        user,     // of this machine, over a Unix socket: the uid
        key,      // the beginning of a key's digest
    };

    Kind kind = Kind::nobody;
    std::array<std::uint8_t, 16> bytes{};

    auto operator<=>(const Client&) const = default;
};

}  // namespace engine
