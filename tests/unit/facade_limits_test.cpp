// Who is the client, how often it may come, and which pages may ask: decisions without a socket.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "api/resources/client.h"
#include "api/resources/cors.h"
#include "api/resources/facade.h"
#include "api/resources/packages.h"
#include "api/resources/policy.h"
#include "api/resources/rate_limit.h"

using namespace resources;
using config::Milliseconds;

namespace {

config::Address address(const std::string& text) {
    return config::parse_address(text).value();
}

std::vector<config::Network> networks(const std::vector<std::string>& texts) {
    std::vector<config::Network> result;
    for (const auto& text : texts) result.push_back(config::parse_network(text).value());
    return result;
}

http::Request request_from(const std::string& client, std::vector<http::Field> fields = {}) {
    http::Request request;
    request.client = client;
    request.fields = std::move(fields);
    return request;
}

RateClock::time_point at(int milliseconds) {
    return RateClock::time_point{} + std::chrono::hours{1} + Milliseconds{milliseconds};
}

}  // namespace

TEST_CASE("the client is whoever is connected, or whom a trusted proxy names last") {
    struct Row {
        std::string name, connected;
        std::vector<std::string> forwarded;
        std::string expected;
    };
    const Row rows[] = {
        {"no proxy", "192.0.2.1", {}, "192.0.2.1"},
        {"a header of the client's own", "192.0.2.1", {"10.0.0.1"}, "192.0.2.1"},
        {"through a proxy", "10.0.0.1", {"192.0.2.1"}, "192.0.2.1"},
        {"a proxy that says nothing", "10.0.0.1", {}, "10.0.0.1"},
        {"what stands before may be invented", "10.0.0.1", {"1.1.1.1, 192.0.2.1"}, "192.0.2.1"},
        {"through two proxies", "10.0.0.1", {"192.0.2.1, 10.0.0.2"}, "192.0.2.1"},
        {"the last of several fields", "10.0.0.1", {"1.1.1.1", "192.0.2.1"}, "192.0.2.1"},
        {"two proxies in two fields", "10.0.0.1", {"192.0.2.1", "10.0.0.2"}, "192.0.2.1"},
        {"proxies alone", "10.0.0.1", {"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
        {"no address", "10.0.0.1", {"192.0.2.1, unknown"}, "10.0.0.1"},
        {"no address behind a proxy", "10.0.0.1", {"x, 10.0.0.2"}, "10.0.0.2"},
        {"nothing between commas", "10.0.0.1", {"192.0.2.1,"}, "10.0.0.1"},
        {"with a port", "10.0.0.1", {"192.0.2.1:4711"}, "192.0.2.1"},
        {"in brackets", "10.0.0.1", {"[2001:db8::1]:4711"}, "2001:db8::1"},
        {"a bracket too many", "10.0.0.1", {"["}, "10.0.0.1"},
        {"IPv4 inside IPv6", "::ffff:10.0.0.1", {"192.0.2.1"}, "192.0.2.1"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto request = request_from(row.connected);
        for (const auto& value : row.forwarded)
            request.fields.push_back({"x-forwarded-for", value});
        CHECK(client_of(request, networks({"10.0.0.0/8"})) == address(row.expected));
    }
    CHECK_FALSE(client_of(request_from(""), {}));
}

TEST_CASE("no X-Forwarded-For does worse than name somebody") {
    std::mt19937 random(7);
    constexpr std::string_view telling = "0123456789abcdef.:,[] \t/%x\xff";
    const auto proxies = networks({"0.0.0.0/0", "2000::/3"});
    std::size_t others = 0;
    for (int round = 0; round < 10'000; ++round) {
        std::string value = "192.0.2.1, [2001:db8::1]:80, 10.0.0.1:9";
        for (int change = 0; change < 4; ++change)
            value[random() % value.size()] = telling[random() % telling.size()];
        const auto client =
            client_of(request_from("10.0.0.9", {{"X-Forwarded-For", value}}), proxies);
        REQUIRE(client);
        others += *client != address("192.0.2.1");
    }
    CHECK(others > 0);
    CHECK(others < 10'000);
}

TEST_CASE("a client may come so often in a window, and then is told how long to wait") {
    const Rate rate{2, Milliseconds{200}};
    RateWindow window;
    CHECK(admit(window, rate, at(0)).count() == 0);
    CHECK(admit(window, rate, at(50)).count() == 0);
    CHECK(admit(window, rate, at(60)) == Milliseconds{140});
    CHECK(admit(window, rate, at(199)) == Milliseconds{1});
    CHECK(admit(window, rate, at(199) + std::chrono::microseconds{1}) == Milliseconds{1});
    CHECK(admit(window, rate, at(200)).count() == 0);
    CHECK(admit(window, rate, at(201)).count() == 0);
    CHECK(admit(window, rate, at(202)) == Milliseconds{198});
    CHECK(admit(window, Rate{}, at(202)).count() == 0);
}

TEST_CASE("clients are counted apart, by API, and IPv6 by the network of a subscriber") {
    RateLimit limit;
    const Rate one{1, Milliseconds{200}};
    const auto take = [&](const std::string& who, RateOf what = RateOf::v2) {
        return limit.take(address(who), what, one, at(0)).count() == 0;
    };
    CHECK(take("192.0.2.1"));
    CHECK_FALSE(take("192.0.2.1"));
    CHECK_FALSE(take("::ffff:192.0.2.1"));
    CHECK(take("192.0.2.1", RateOf::v1));
    CHECK(take("192.0.2.2"));
    CHECK(take("2001:db8:0:1::1"));
    CHECK_FALSE(take("2001:db8:0:1:ffff::2"));
    CHECK(take("2001:db8:0:2::1"));
}

TEST_CASE("more clients than there is room for are forgotten, the oldest first") {
    RateLimit limit;
    const Rate one{1, Milliseconds{1'000'000}};
    const auto take = [&](unsigned number, int now) {
        config::Address who = address("10.0.0.0");
        for (int i = 0; i < 3; ++i)
            who.bytes[15 - static_cast<std::size_t>(i)] =
                static_cast<std::uint8_t>(number >> 8 * i);
        return limit.take(who, RateOf::v2, one, at(now)).count() == 0;
    };
    constexpr unsigned room = RateLimit::places * RateLimit::clients_of_a_place;
    for (unsigned i = 0; i < 10 * room; ++i) CHECK(take(i, static_cast<int>(i)));
    unsigned known = 0;
    for (unsigned i = 0; i < 10 * room; ++i) {
        // Asked backwards, so that asking does not make anybody forgotten who is asked later.
        known += !take(10 * room - 1 - i, static_cast<int>(10 * room));
        if (i == 9) CHECK(known == 10);
    }
    CHECK(known <= room);
    CHECK(known > room / 2);
}

TEST_CASE("who came too early is told in the words of the public API") {
    const auto v2 = too_many(RateOf::v2, {1, Milliseconds{200}}, Milliseconds{120});
    CHECK(v2.status == 429);
    CHECK(v2.body == R"({"message":"Requests limited to 1 per 200ms"})");
    CHECK(v2.fields == std::vector<http::Field>{{"Retry-After", "1"}});
    const auto v1 = too_many(RateOf::v1, {2, Milliseconds{1000}}, Milliseconds{1001});
    CHECK(v1.body == R"({"message":"Requests limited to 2 per second"})");
    CHECK(v1.fields == std::vector<http::Field>{{"Retry-After", "2"}});
}

TEST_CASE("a key is one word a line, and a mistake is told by its line alone") {
    CHECK(parse_keys("# ours\n\n one \r\ntwo # of two\n\t\nthree") ==
          std::vector<std::string>{"one", "two", "three"});
    CHECK(parse_keys("").empty());
    CHECK_THROWS_WITH(parse_keys("one\ntwo words\n"),
                      "line 2 is no key: one word of at most 512 printable characters");
    CHECK_THROWS(parse_keys(std::string(513, 'x')));
    CHECK_THROWS(
        parse_keys("a\x01"
                   "b"));
}

TEST_CASE("pages of the listed origins may read answers, and caches keep them apart") {
    using Fields = std::vector<http::Field>;
    const std::vector<std::string> listed{"https://a.example", "http://b.example:81"};
    CHECK(cors_fields({}, "https://a.example").empty());
    CHECK(cors_fields({"*"}, "") == Fields{{"Access-Control-Allow-Origin", "*"}});
    CHECK(cors_fields(listed, "http://b.example:81") ==
          Fields{{"Vary", "Origin"}, {"Access-Control-Allow-Origin", "http://b.example:81"}});
    for (const std::string origin :
         {"", "https://c.example", "null", "https://a.example.evil", "http://b.example"}) {
        CAPTURE(origin);
        CHECK(cors_fields(listed, origin) == Fields{{"Vary", "Origin"}});
    }
}

TEST_CASE("a browser that asks first is told the methods, for ten minutes") {
    auto question = request_from(
        "::1", {{"Origin", "https://a.example"}, {"Access-Control-Request-Method", "POST"}});
    question.method = "OPTIONS";
    const std::vector<std::string> listed{"https://a.example"};
    const auto answer = preflight(listed, question, "GET,HEAD,POST");
    REQUIRE(answer);
    CHECK(answer->status == 204);
    CHECK(answer->fields.at(0) == http::Field{"Access-Control-Allow-Methods", "GET,HEAD,POST"});
    CHECK(answer->fields.at(2) == http::Field{"Access-Control-Max-Age", "600"});
    CHECK(preflight({"*"}, question, "POST"));
    CHECK_FALSE(preflight({}, question, "POST"));
    CHECK_FALSE(preflight({"https://b.example"}, question, "POST"));
    CHECK_FALSE(preflight(listed, question, ""));
    auto plain = question;
    plain.fields.pop_back();
    CHECK_FALSE(preflight(listed, plain, "POST"));
}

TEST_CASE("who comes through a proxy on this machine is not local because the proxy is") {
    Policy policy;
    policy.settings.packages.api = config::PackageApi::local;
    policy.proxies = networks({"127.0.0.1"});
    const auto refused = [&](const http::Request& request) {
        return package_refusal(policy, request).has_value();
    };
    CHECK_FALSE(refused(request_from("127.0.0.1")));
    CHECK_FALSE(refused(request_from("127.0.0.1", {{"X-Forwarded-For", "::1"}})));
    CHECK(refused(request_from("127.0.0.1", {{"X-Forwarded-For", "192.0.2.1"}})));
    CHECK(refused(request_from("192.0.2.1", {{"X-Forwarded-For", "127.0.0.1"}})));
    CHECK(refused(request_from("127.0.0.1", {{"Origin", "https://a.example"}})));
    policy.proxies.clear();
    CHECK_FALSE(refused(request_from("127.0.0.1")));
    CHECK(refused(request_from("127.0.0.1", {{"X-Forwarded-For", "::1"}})));
    CHECK_FALSE(refused(request_from("uid:1000")));
    CHECK(refused(request_from("uid:1000", {{"X-Forwarded-For", "192.0.2.1"}})));
}
