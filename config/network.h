// Addresses of clients and the networks they may be in, as values to compare.
//
// IPv4 addresses are kept in their place inside IPv6 (::ffff:0:0/96), so that a client that comes
// over either kind of socket is the same client. Texts come from headers of requests: anything that
// is not exactly an address is none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace config {

struct Address {
    std::array<std::uint8_t, 16> bytes{};

    bool operator==(const Address&) const = default;

    bool is_v4() const;
    bool is_loopback() const;
};

// "192.0.2.1", "2001:db8::1"; without port, brackets and zone. Empty: no address.
std::optional<Address> parse_address(std::string_view text);

struct Network {
    Address address;  // bits beyond the prefix are zero
    int prefix = 0;   // of 128 bits, also for IPv4

    bool operator==(const Network&) const = default;

    bool contains(const Address& other) const;
};

// "10.0.0.0/8", "2001:db8::/32", or an address alone. Empty: no network.
std::optional<Network> parse_network(std::string_view text);

// The address without the bits behind the prefix, which counts from the first of 128.
Address masked(Address address, int prefix);

}  // namespace config
