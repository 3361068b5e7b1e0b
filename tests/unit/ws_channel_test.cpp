// Frames as the Autobahn test suite knows them: fragments, control frames, closes, UTF-8, sizes.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "api/ws/channel.h"
#include "tests/support/ws_client.h"

using support::Frame;
using support::masked;

namespace {

// A channel and what it wrote.
struct Side {
    std::string written;
    ws::Channel channel{config::Bytes{1000}, [this](std::string bytes) { written += bytes; }};

    std::vector<std::string> texts(const std::string& bytes) {
        std::vector<std::string> list;
        for (const auto& message : channel.receive(bytes)) list.push_back(message.data);
        return list;
    }
    // The code of the close that was written; 0: none.
    int close_code() const {
        if (written.size() < 2 || (written[0] & 0x0f) != 8) return 0;
        return Frame{.opcode = 8, .payload = written.substr(2)}.code();
    }
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a text comes out as it went in, however it was cut on its way") {
    const auto bytes = masked({.payload = "hello"}) + masked({.payload = ""}) +
                       masked({.opcode = 2, .payload = std::string(300, 'x')});
    Side whole;
    const auto expected = whole.texts(bytes);
    CHECK(expected == Texts{"hello", "", std::string(300, 'x')});
    Side pieces;
    Texts got;
    for (const char byte : bytes)
        for (const auto& text : pieces.texts(std::string(1, byte))) got.push_back(text);
    CHECK(got == expected);
    CHECK(whole.written.empty());
}

TEST_CASE("fragments are joined, and control frames may come between them") {
    Side side;
    CHECK(side.texts(masked({.opcode = 1, .payload = "a", .fin = false}) +
                     masked({.opcode = 9, .payload = "are you there"}) +
                     masked({.opcode = 0, .payload = "b", .fin = false}) + masked({.opcode = 10}) +
                     masked({.opcode = 0, .payload = "c"})) == Texts{"abc"});
    CHECK(side.written ==
          "\x8a\x0d"
          "are you there");
}

TEST_CASE("what breaks the protocol is closed with the code it deserves") {
    struct Row {
        std::string name, bytes;
        int code;
    };
    const auto unmasked = std::string{"\x81\x02hi"};
    const Row rows[] = {
        {"not masked", unmasked, 1002},
        {"a continuation of nothing", masked({.opcode = 0, .payload = "x"}), 1002},
        {"a text within fragments",
         masked({.payload = "a", .fin = false}) + masked({.payload = "b"}), 1002},
        {"a fragmented ping", masked({.opcode = 9, .fin = false}), 1002},
        {"a ping of 126 bytes", masked({.opcode = 9, .payload = std::string(126, 'p')}), 1002},
        {"an unknown data frame", masked({.opcode = 3}), 1002},
        {"an unknown control frame", masked({.opcode = 11}), 1002},
        {"a reserved bit", "\xc1" + masked({.payload = "x"}).substr(1), 1002},
        {"invalid UTF-8", masked({.payload = "\xc3\x28"}), 1007},
        {"invalid UTF-8 across fragments",
         masked({.payload = "\xce", .fin = false}) + masked({.opcode = 0, .payload = "\x28"}),
         1007},
        {"an incomplete character at the end", masked({.payload = "\xe2\x82"}), 1007},
        {"a message that is too large", masked({.payload = std::string(1001, 'x')}), 1009},
        {"fragments that are too large together",
         masked({.payload = std::string(600, 'x'), .fin = false}) +
             masked({.opcode = 0, .payload = std::string(600, 'x')}),
         1009},
        {"an enormous length", std::string{"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"} + "maskx",
         1009},
        // Closed without a code, which the RFC leaves open.
        {"a close with half a code", masked({.opcode = 8, .payload = "\x03"}), 1005},
        {"a close with a code nobody may send",
         masked({.opcode = 8, .payload = std::string{"\x03\xed"}}), 1002},
        {"a close with an invalid reason",
         masked({.opcode = 8, .payload = std::string{"\x03\xe8\xc3\x28"}}), 1007},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Side side;
        CHECK(side.texts(row.bytes).empty());
        CHECK(side.close_code() == row.code);
        CHECK(side.channel.is_closed());
        side.written.clear();
        CHECK(side.texts(masked({.payload = "later"})).empty());
        side.channel.send_text("never");
        CHECK(side.written.empty());
    }
}

TEST_CASE("a close is answered with the same code, and ends both directions") {
    Side side;
    CHECK(side.texts(masked({.opcode = 8, .payload = std::string{"\x03\xe8"} + "bye"}) +
                     masked({.payload = "after"})) == Texts{});
    CHECK(side.close_code() == 1000);
    CHECK(side.channel.is_closed());
}

TEST_CASE("our own close waits for the client's") {
    Side side;
    side.channel.close(4999, "Job Completed");
    CHECK(side.written == "\x88\x0f\x13\x87Job Completed");
    CHECK(side.channel.is_closing());
    CHECK_FALSE(side.channel.is_closed());
    side.channel.send_text("too late");
    CHECK(side.written.size() == 17);
    side.channel.receive(masked({.opcode = 8, .payload = std::string{"\x13\x87"}}));
    CHECK(side.channel.is_closed());
}

TEST_CASE("last words come right before the close, and only once") {
    Side side;
    side.channel.close(4002, "Notified Error", "sorry");
    const std::string said = "\x81\x05sorry\x88\x10\x0f\xa2Notified Error";
    CHECK(side.written == said);
    side.channel.close(4999, "Job Completed", "and more");
    CHECK(side.written == said);
}

TEST_CASE("damaged frames are read or closed, and nothing else happens") {
    auto random = std::mt19937{20261121};  // fixed, so that a failure can be repeated
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    const auto seed = masked({.payload = "{\"type\":\"init\"}"}) +
                      masked({.payload = "a", .fin = false}) + masked({.opcode = 9}) +
                      masked({.opcode = 0, .payload = std::string(200, 'b')}) +
                      masked({.opcode = 8, .payload = std::string{"\x03\xe8"}});
    int read = 0;
    int closed = 0;
    for (int round = 0; round < 5000; ++round) {
        CAPTURE(round);
        auto bytes = seed;
        for (auto changes = 1 + below(3); changes > 0; --changes)
            bytes[below(bytes.size())] = static_cast<char>(below(256));
        Side side;
        for (auto rest = std::string_view{bytes}; !rest.empty();) {
            const auto piece = rest.substr(0, 1 + below(40));
            for (const auto& message : side.channel.receive(piece)) {
                REQUIRE(message.data.size() <= 1000);
                ++read;
            }
            rest.remove_prefix(piece.size());
        }
        closed += side.channel.is_closed();
    }
    CHECK(read > 1000);
    CHECK(closed > 1000);
}
