#include <doctest/doctest.h>

#include <random>
#include <string>

#include "api/cli/failure.h"
#include "api/cli/run/upgrade.h"
#include "isolate/sys/error.h"

namespace {

// The example of RFC 6455, section 1.3.
const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

const std::string good =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: " +
    accept + "\r\n\r\n";

}  // namespace

TEST_CASE("a WebSocket is opened where the engine is") {
    using cli::Endpoint;
    struct Row {
        std::string base;
        Endpoint expected;
    };
    const Row rows[] = {
        {"http://h:2000", {"h", "2000", "h:2000", "/api/v2/connect"}},
        {"http://h", {"h", "80", "h", "/api/v2/connect"}},
        {"HTTP://[::1]:5/deep", {"::1", "5", "[::1]:5", "/deep/api/v2/connect"}},
        {"http://[::1]", {"::1", "80", "[::1]", "/api/v2/connect"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.base);
        CHECK(cli::connect_endpoint(row.base) == row.expected);
    }
    for (const std::string wrong :
         {"https://h", "http://", "http://:5", "http://u:p@h", "http://h:", "http://h:x",
          "http://[::1", "http://[::1]x", "http://a b"}) {
        CAPTURE(wrong);
        CHECK_THROWS_AS(cli::connect_endpoint(wrong), cli::Failure);
    }
}

TEST_CASE("the request for a WebSocket is the one of the standard") {
    const auto endpoint = cli::connect_endpoint("http://h:2000");
    CHECK(cli::upgrade_request(endpoint, key, "") ==
          "GET /api/v2/connect HTTP/1.1\r\nHost: h:2000\r\nUpgrade: websocket\r\n"
          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
              key + "\r\nUser-Agent: crankcase\r\n\r\n");
    CHECK(cli::upgrade_request(endpoint, key, "t0ken").find("Authorization: Bearer t0ken\r\n") !=
          std::string::npos);
    CHECK(cli::accept_of(key) == accept);
}

TEST_CASE("an upgrade is one only with the accept that was wanted") {
    struct Row {
        std::string name, text;
        long status;
        bool upgraded;
    };
    const Row rows[] = {
        {"good", good + "more", 101, true},
        {"other letters",
         "HTTP/1.1 101 x\r\nUPGRADE:WebSocket\r\nsec-websocket-accept:  " + accept + " \r\n\r\n",
         101, true},
        {"no accept", "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n\r\n", 101, false},
        {"another accept",
         "HTTP/1.1 101 x\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: eA==\r\n\r\n", 101, false},
        {"no WebSocket", "HTTP/1.1 101 x\r\nSec-WebSocket-Accept: " + accept + "\r\n\r\n", 101,
         false},
        {"refused", "HTTP/1.1 404 Not Found\r\nContent-Length: 23\r\n\r\n", 404, false},
        {"no reason", "HTTP/1.1 503\r\n\r\n", 503, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto answer = cli::read_upgrade(row.text, accept);
        REQUIRE(answer);
        CHECK(answer->status == row.status);
        CHECK(answer->upgraded == row.upgraded);
    }
    CHECK(cli::read_upgrade(rows[5].text, accept)->body_bytes == 23);
    CHECK(cli::read_upgrade(good + "more", accept)->head_bytes == good.size());
    for (std::size_t size = 0; size < good.size(); ++size)
        REQUIRE(!cli::read_upgrade(std::string_view{good}.substr(0, size), accept));
    CHECK_THROWS_AS(cli::read_upgrade("SSH-2.0-x\r\n\r\n", accept), sys::Error);
    CHECK_THROWS_AS(cli::read_upgrade(std::string(20'000, 'x'), accept), sys::Error);
}

TEST_CASE("however an upgrade's answer is broken, it is read or refused") {
    auto random = std::mt19937{7};  // fixed, so that a failure can be repeated
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    int upgraded = 0;
    int refused = 0;
    for (int round = 0; round < 10'000; ++round) {
        auto text = good;
        for (auto count = 1 + below(4); count > 0; --count) {
            const auto where = below(text.size());
            if (below(2) == 0)
                text[where] = static_cast<char>(below(256));
            else
                text.insert(where, below(2) == 0 ? "\r\n" : "Content-Length: 99999999999999999999");
        }
        CAPTURE(round);
        CAPTURE(text);
        try {
            const auto answer = cli::read_upgrade(text, accept);
            if (!answer) continue;
            REQUIRE(answer->head_bytes <= text.size());
            REQUIRE((!answer->upgraded || answer->status == 101));
            if (answer->upgraded) REQUIRE(text.find(accept) != std::string::npos);
            ++(answer->upgraded ? upgraded : refused);
        } catch (const sys::Error& error) {
            REQUIRE(error.kind() == sys::Kind::broken);
            ++refused;
        }
    }
    CHECK(upgraded > 500);
    CHECK(refused > 500);
}
