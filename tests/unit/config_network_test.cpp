#include <doctest/doctest.h>

#include <string>

#include "config/network.h"

using namespace config;

TEST_CASE("an address is one to the letter, and IPv4 is the same inside IPv6") {
    for (const std::string text : {"192.0.2.1", "::1", "2001:db8::1", "::ffff:192.0.2.1"}) {
        CAPTURE(text);
        CHECK(parse_address(text));
    }
    CHECK(parse_address("192.0.2.1") == parse_address("::ffff:192.0.2.1"));
    for (const std::string text :
         {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "01.2.3.4", "::g",
          "[::1]", "fe80::1%eth0", "1.2.3.4:80", "localhost"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_address(text));
    }
    CHECK_FALSE(parse_address(std::string("1.2.3.4\0x", 9)));
}

TEST_CASE("a network holds the addresses that begin like it") {
    struct Row {
        std::string network, address;
        bool expected;
    };
    const Row rows[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.1.2.3/8", "10.9.9.9", true},
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"0.0.0.0/0", "192.0.2.1", true},
        {"0.0.0.0/0", "::1", false},
        {"::/0", "192.0.2.1", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"10.0.0.0/31", "10.0.0.1", true},
        {"10.0.0.0/31", "10.0.0.2", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.network);
        CAPTURE(row.address);
        const auto network = parse_network(row.network);
        REQUIRE(network);
        CHECK(network->contains(*parse_address(row.address)) == row.expected);
    }
    for (const std::string text :
         {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "::/129", "a/8"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_network(text));
    }
}

TEST_CASE("a loopback address is one of this machine in either notation") {
    for (const std::string text : {"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) {
        CAPTURE(text);
        CHECK(parse_address(text)->is_loopback());
    }
    for (const std::string text : {"128.0.0.1", "::2", "::", "::127.0.0.1", "fe80::1"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_address(text)->is_loopback());
    }
}
