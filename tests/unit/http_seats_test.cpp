#include <doctest/doctest.h>

#include <vector>

#include "api/http/seats.h"

using http::Seat;
using http::Seats;

TEST_CASE("an address has so many connections, and gets them back as they end") {
    Seats seats{{.connections_per_address = 2}, 100};
    auto first = seats.take("192.0.2.1");
    const auto second = seats.take("192.0.2.1");
    CHECK(first);
    CHECK(second);
    CHECK_FALSE(seats.take("192.0.2.1"));
    CHECK(seats.take("192.0.2.2"));
    first.reset();
    CHECK(seats.take("192.0.2.1"));
}

TEST_CASE("an IPv6 network of 64 bits is one address") {
    Seats seats{{.connections_per_address = 1}, 100};
    const auto first = seats.take("2001:db8::1");
    CHECK_FALSE(seats.take("2001:db8::ffff:2"));
    CHECK(seats.take("2001:db8:0:1::1"));
}

TEST_CASE("proxies, named networks and Unix sockets are not counted") {
    Seats seats{
        {.connections_per_address = 1, .uncapped = {"10.0.0.0/8"}, .trusted_proxies = {"::1"}},
        100};
    std::vector<std::optional<Seat>> taken;
    for (const auto* client : {"10.1.2.3", "::1", "uid:1000"}) {
        CAPTURE(client);
        for (int i = 0; i < 3; ++i) {
            taken.push_back(seats.take(client));
            REQUIRE(taken.back());
            CHECK(taken.back()->owner() == nullptr);
            CHECK(taken.back()->count_unread(1'000'000));
        }
    }
    taken.push_back(seats.take("127.0.0.1"));
    CHECK_FALSE(seats.take("127.0.0.1"));
    Seats open{{.connections_per_address = 0}, 100};
    taken.push_back(open.take("192.0.2.1"));
    CHECK(open.take("192.0.2.1"));
}

TEST_CASE(
    "the connections of one address share what may be unread, and those of another have theirs") {
    Seats seats{{.connections_per_address = 9}, 100};
    auto one = seats.take("192.0.2.1");
    auto two = seats.take("192.0.2.1");
    auto other = seats.take("192.0.2.2");
    REQUIRE(one);
    REQUIRE(two);
    REQUIRE(other);
    CHECK(one->owner() == two->owner());
    CHECK(one->owner() != other->owner());
    CHECK(one->count_unread(60));
    CHECK_FALSE(two->count_unread(60));
    CHECK(other->count_unread(100));
    CHECK(one->count_unread(-std::uint64_t{60}));
    CHECK(two->count_unread(40));
}
