#include <doctest/doctest.h>

#include <string>

#include "api/http/head.h"

namespace {

http::Head head_of(const std::string& text) {
    auto head = http::read_head(text);
    REQUIRE(std::holds_alternative<http::Head>(head));
    return std::get<http::Head>(std::move(head));
}

}  // namespace

TEST_CASE("the target is split into path and query as it was sent") {
    struct Row {
        const char* sent;
        const char* path;
        const char* query;
    };
    const Row rows[] = {
        {"/", "/", ""},           {"/a/b?c=d&e", "/a/b", "c=d&e"},
        {"/a?b?c", "/a", "b?c"},  {"/%2e%2e/x", "/%2e%2e/x", ""},
        {"*", "*", ""},           {"http://host:80/a?b", "/a", "b"},
        {"HTTP://host", "/", ""}, {"https://host?b", "/", "b"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.sent);
        const auto head = head_of("GET " + std::string(row.sent) + " HTTP/1.1\r\nHost: h\r\n\r\n");
        CHECK(head.request.target == row.path);
        CHECK(head.request.query == row.query);
    }
}

TEST_CASE("whether a connection is kept follows the version and the client's wish") {
    struct Row {
        const char* text;
        bool keep_alive;
    };
    const Row rows[] = {
        {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, Close\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(head_of(row.text).request.keep_alive == row.keep_alive);
    }
}

TEST_CASE("fields are found whatever their case, and blanks around values are gone") {
    const auto head =
        head_of("GET / HTTP/1.1\r\nhOST:h\r\nX-Request-Id: \t 7 \r\nX-Empty:\r\n\r\n");
    CHECK(head.request.find_field("Host") == "h");
    CHECK(head.request.find_field("x-request-id") == "7");
    CHECK(head.request.find_field("X-Empty").empty());
    CHECK(head.request.find_field("X-Absent").empty());
}

TEST_CASE("HTTP/1.0 knows no 100 Continue") {
    const auto head =
        head_of("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
    CHECK_FALSE(head.expects_continue);
    CHECK(head.body_size == 1);
}

TEST_CASE("a header of too many fields is refused") {
    auto text = std::string{"GET / HTTP/1.1\r\nHost: h\r\n"};
    for (int i = 0; i < 128; ++i) text += "a:\r\n";
    const auto head = http::read_head(text + "\r\n");
    REQUIRE(std::holds_alternative<http::Response>(head));
    CHECK(std::get<http::Response>(head).status == 431);
}
