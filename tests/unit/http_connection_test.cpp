#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "api/http/connection.h"

using http::Connection;
using Outcome = Connection::Outcome;
using Phase = Connection::Phase;
using namespace config::literals;

namespace {

constexpr http::Bounds bounds{.header = 1_KiB, .body = 100_B};

constexpr std::string_view chunked_post =
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string sized_post(std::string_view body) {
    return "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

// What a connection makes of the bytes when every request is answered at once.
struct Reading {
    std::vector<http::Request> requests;
    Outcome end = Outcome::incomplete;
    int refused_with = 0;

    bool operator==(const Reading&) const = default;
};

void take_all(Connection& connection, Outcome outcome, Reading& reading) {
    while (outcome == Outcome::request) {
        reading.requests.push_back(connection.take());
        outcome = connection.resume();
    }
    if (outcome == Outcome::refused) {
        reading.end = outcome;
        reading.refused_with = connection.refusal().status;
    }
}

Reading read_whole(std::string_view bytes) {
    auto connection = Connection(bounds);
    auto reading = Reading{};
    take_all(connection, connection.receive(bytes), reading);
    return reading;
}

Reading read_bytewise(std::string_view bytes) {
    auto connection = Connection(bounds);
    auto reading = Reading{};
    for (const auto& byte : bytes) take_all(connection, connection.receive({&byte, 1}), reading);
    return reading;
}

}  // namespace

TEST_CASE("a request is read the same whole and byte by byte") {
    struct Row {
        std::string name;
        std::string bytes;
        std::vector<std::string> bodies;
    };
    const Row rows[] = {
        {"no body", "GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n", {""}},
        {"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", {""}},
        {"sized", sized_post("hello"), {"hello"}},
        {"size zero", sized_post(""), {""}},
        {"chunks",
         std::string(chunked_post) + "5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
         {"hello world"}},
        {"chunks with a trailer",
         std::string(chunked_post) + "1\r\nx\r\n0;e\r\nA: b\r\n\r\n",
         {"x"}},
        {"no chunk but the last", std::string(chunked_post) + "0\r\n\r\n", {""}},
        {"chunk sizes in any case",
         std::string(chunked_post) + "0A\r\n0123456789\r\n00\r\n\r\n",
         {"0123456789"}},
        {"two pipelined", sized_post("one") + sized_post("two"), {"one", "two"}},
        {"chunked, then sized",
         std::string(chunked_post) + "3\r\none\r\n0\r\n\r\n" + sized_post("two"),
         {"one", "two"}},
        {"HTTP/1.0 without Host", "GET / HTTP/1.0\r\n\r\n", {""}},
        {"a cookie without '='", "GET / HTTP/1.1\r\nHost: h\r\nCookie: a\r\n\r\n", {""}},
        {"a strange Host port", "GET / HTTP/1.1\r\nHost: h:99999\r\n\r\n", {""}},
        {"a value of high bytes", "GET / HTTP/1.1\r\nHost: h\r\nX: \xc3\xa4\r\n\r\n", {""}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto reading = read_whole(row.bytes);
        CHECK(reading.refused_with == 0);
        auto bodies = std::vector<std::string>{};
        for (const auto& request : reading.requests) bodies.push_back(request.body);
        CHECK(bodies == row.bodies);
        CHECK(read_bytewise(row.bytes) == reading);
    }
}

TEST_CASE("bytes that two readers could read differently are refused") {
    struct Row {
        std::string name;
        std::string bytes;
        int status;
    };
    const auto with = [](std::string_view lines) {
        return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n\r\nGET /evil";
    };
    const auto chunks = [](std::string_view body) {
        return std::string(chunked_post) + std::string(body);
    };
    const Row rows[] = {
        {"length and chunked", with("Content-Length: 4\r\nTransfer-Encoding: chunked"), 400},
        {"chunked and length", with("Transfer-Encoding: chunked\r\nContent-Length: 4"), 400},
        {"two lengths", with("Content-Length: 4\r\nContent-Length: 5"), 400},
        {"the same length twice", with("Content-Length: 4\r\nContent-Length: 4"), 400},
        {"a list of lengths", with("Content-Length: 4, 4"), 400},
        {"a signed length", with("Content-Length: +4"), 400},
        {"a negative length", with("Content-Length: -4"), 400},
        {"a hexadecimal length", with("Content-Length: 0x4"), 400},
        {"a length that overflows", with("Content-Length: 99999999999999999999"), 400},
        {"an empty length", with("Content-Length: "), 400},
        {"a length of words", with("Content-Length: abc"), 400},
        {"an unknown transfer coding", with("Transfer-Encoding: gzip"), 400},
        {"two transfer codings", with("Transfer-Encoding: gzip, chunked"), 400},
        {"chunked twice in a line", with("Transfer-Encoding: chunked, chunked"), 400},
        {"chunked twice", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400},
        {"chunked, misspelt", with("Transfer-Encoding: xchunked"), 400},
        {"chunked in quotes", with("Transfer-Encoding: \"chunked\""), 400},
        {"chunked after a control",
         with("Transfer-Encoding: \x0b"
              "chunked"),
         400},
        {"chunked in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"a blank before the colon", with("Transfer-Encoding : chunked"), 400},
        {"a folded line", with("X: a\r\n b"), 400},
        {"a folded length", with("Content-Length:\r\n 4"), 400},
        {"a first line that begins with a blank", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
        {"bare LF", "GET / HTTP/1.1\nHost: h\n\n", 400},
        {"bare LF in the header", with("X: a\nContent-Length: 4"), 400},
        {"bare CR in the header", with("X: a\rb"), 400},
        {"NUL in a value", with(std::string_view("X: a\0b", 6)), 400},
        {"a field without name", with(": a"), 400},
        {"a line without colon", with("abc"), 400},
        {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
        {"two Hosts", with("Host: other"), 400},
        {"no version", "GET /\r\n\r\n", 400},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\n", 400},
        {"two blanks", "GET  / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"an authority as target", "CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", 400},
        {"a chunk size with a sign", chunks("+5\r\nhello\r\n0\r\n\r\n"), 400},
        {"a chunk size with 0x", chunks("0x5\r\nhello\r\n0\r\n\r\n"), 400},
        {"a chunk size with a blank", chunks("5 \r\nhello\r\n0\r\n\r\n"), 400},
        {"a chunk size of words", chunks("five\r\nhello\r\n0\r\n\r\n"), 400},
        {"no chunk size", chunks("\r\nhello\r\n0\r\n\r\n"), 400},
        {"a chunk size that overflows", chunks("10000000000000005\r\nhello\r\n"), 400},
        {"a chunk longer than its size", chunks("5\r\nhello!\r\n0\r\n\r\n"), 400},
        {"bare LF after a chunk size", chunks("5\nhello\r\n0\r\n\r\n"), 400},
        {"bare LF after a chunk", chunks("5\r\nhello\n0\r\n\r\n"), 400},
        {"LF in a quoted extension", chunks("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"), 400},
        {"a folded trailer", chunks("0\r\n a: b\r\n\r\n"), 400},
        {"extensions without end", chunks("5;" + std::string(2000, 'x')), 400},
        {"a trailer without end", chunks("0\r\n" + std::string(2000, 'x')), 400},
        {"an expectation nobody meets", with("Expect: 200-ok"), 417},
        {"an unknown content coding", with("Content-Encoding: br\r\nContent-Length: 3"), 400},
        {"a long header", with("X: " + std::string(1024, 'x')), 431},
        {"empty lines without end", std::string(3000, '\r'), 400},
        {"a long method", std::string(40, 'G') + " / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto reading = read_whole(row.bytes);
        CHECK(reading.refused_with == row.status);
        CHECK(reading.requests.empty());
        CHECK(read_bytewise(row.bytes) == reading);
    }
}

TEST_CASE("after a refusal nothing is read any more") {
    auto connection = Connection(bounds);
    REQUIRE(connection.receive("nonsense\r\n\r\n") == Outcome::refused);
    CHECK(connection.phase() == Phase::closed);
    CHECK(connection.receive("GET / HTTP/1.1\r\nHost: h\r\n\r\n") == Outcome::incomplete);
    CHECK(connection.held() == 0);
}

TEST_CASE("a body of exactly the limit passes and one byte more is refused before it has come") {
    const auto fits = std::string(100, 'x');
    CHECK(read_whole(sized_post(fits)).requests.size() == 1);

    auto connection = Connection(bounds);
    const auto outcome =
        connection.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n");
    CHECK(outcome == Outcome::refused);
    // Piston's status and name, and the knob that an operator turns.
    CHECK(connection.refusal().status == 400);
    CHECK(connection.refusal().body ==
          R"({"message":"the request body is larger than 100; server.body_limit sets this",)"
          R"("stack":"PayloadTooLargeError: request entity too large"})");
}

TEST_CASE("a chunked body of exactly the limit passes and one byte more is refused") {
    const auto half = "32\r\n" + std::string(50, 'x') + "\r\n";
    CHECK(read_whole(std::string(chunked_post) + half + half + "0\r\n\r\n").requests.size() == 1);

    // The size alone is enough; the chunk need not have come.
    const auto beyond = read_whole(std::string(chunked_post) + half + half + "1\r\n");
    CHECK(beyond.refused_with == 400);
    CHECK(read_whole(std::string(chunked_post) + "65\r\n").refused_with == 400);
}

TEST_CASE("a header of exactly the limit passes and one byte more is refused") {
    const auto header = [](std::size_t size) {
        const auto start = std::string{"GET / HTTP/1.1\r\nHost: h\r\nX: "};
        return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
    };
    CHECK(read_whole(header(1024)).requests.size() == 1);
    CHECK(read_whole(header(1025)).refused_with == 431);
}

TEST_CASE("a client that waits for leave to send its body is told once") {
    const auto head = std::string{
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"};
    auto connection = Connection(bounds);
    CHECK(connection.receive(head) == Outcome::expects);
    CHECK(connection.receive("he") == Outcome::incomplete);
    CHECK(connection.receive("llo") == Outcome::request);

    SUBCASE("but not if it does not wait") {
        auto hasty = Connection(bounds);
        CHECK(hasty.receive(head + "hello") == Outcome::request);
    }
    SUBCASE("and not if the body will be refused") {
        auto large = Connection(bounds);
        CHECK(large.receive("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                            "Content-Length: 500\r\n\r\n") == Outcome::refused);
    }
}

TEST_CASE("what is sent ahead waits for the answer, and only so much of it") {
    auto connection = Connection(bounds);
    REQUIRE(connection.receive(sized_post("one") + sized_post("two")) == Outcome::request);
    CHECK(connection.take().body == "one");
    CHECK(connection.phase() == Phase::busy);
    CHECK(connection.receive("GET /three") == Outcome::incomplete);
    REQUIRE(connection.resume() == Outcome::request);
    CHECK(connection.take().body == "two");

    CHECK(connection.receive(std::string(60'000, 'x')) == Outcome::incomplete);
    CHECK(connection.receive(std::string(60'000, 'x')) == Outcome::overrun);
}

TEST_CASE("the phase says what a connection waits for") {
    auto connection = Connection(bounds);
    CHECK(connection.phase() == Phase::idle);
    static_cast<void>(connection.receive("\r\n"));
    CHECK(connection.phase() == Phase::idle);
    static_cast<void>(connection.receive("P"));
    CHECK(connection.phase() == Phase::header);
    static_cast<void>(connection.receive(sized_post("body").substr(1, 47)));
    CHECK(connection.phase() == Phase::body);
}
