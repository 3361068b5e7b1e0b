#include "config/network.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

namespace config {

namespace {

constexpr int all_bits = 128;
constexpr int bits_before_v4 = 96;
constexpr std::array<std::uint8_t, 12> before_v4{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool Address::is_v4() const {
    return std::equal(before_v4.begin(), before_v4.end(), bytes.begin());
}

bool Address::is_loopback() const {
    constexpr std::uint8_t v4_loopback = 127;
    if (is_v4()) return bytes[before_v4.size()] == v4_loopback;
    auto one = Address{};
    one.bytes.back() = 1;
    return *this == one;
}

std::optional<Address> parse_address(std::string_view text) {
    auto address = Address{};
    // inet_pton(3) wants an end; what is longer than any address, or has an end inside, is none.
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != text.npos) return std::nullopt;
    const auto copy = std::string(text);
    if (::inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
    std::ranges::copy(before_v4, address.bytes.begin());
    if (::inet_pton(AF_INET, copy.c_str(), address.bytes.data() + before_v4.size()) == 1)
        return address;
    return std::nullopt;
}

bool Network::contains(const Address& other) const {
    return masked(other, prefix) == address;
}

std::optional<Network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = parse_address(text.substr(0, slash));
    if (!address) return std::nullopt;
    if (slash == text.npos) return Network{*address, all_bits};

    const auto digits = text.substr(slash + 1);
    const bool is_v4 = text.find(':') == text.npos;
    int prefix = -1;
    const auto* last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, prefix);
    const int most = is_v4 ? all_bits - bits_before_v4 : all_bits;
    if (error != std::errc{} || end != last || prefix < 0 || prefix > most) return std::nullopt;
    if (is_v4) prefix += bits_before_v4;
    return Network{masked(*address, prefix), prefix};
}

Address masked(Address address, int prefix) {
    constexpr int byte_bits = 8;
    for (int i = 0; i < all_bits / byte_bits; ++i) {
        const int kept = std::clamp(prefix - i * byte_bits, 0, byte_bits);
        auto& byte = address.bytes[static_cast<std::size_t>(i)];
        byte = static_cast<std::uint8_t>(byte & (0xff00 >> kept));
    }
    return address;
}

}  // namespace config
