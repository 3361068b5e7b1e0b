#include <doctest/doctest.h>

#include <string>

#include "api/http/render.h"

using http::Afterwards;

namespace {

constexpr auto idle = std::chrono::seconds(75);

http::Request get(std::vector<http::Field> fields = {}) {
    auto request = http::Request{};
    request.method = "GET";
    request.target = "/";
    request.fields = std::move(fields);
    return request;
}

http::Rendered render(const http::Request& request, http::Response response) {
    return http::render(request, std::move(response), Afterwards::keep_alive, idle);
}

std::string line_of(const std::string& head, const std::string& name) {
    const auto start = head.find("\r\n" + name + ": ");
    if (start == std::string::npos) return {};
    const auto value = start + name.size() + 4;
    return head.substr(value, head.find("\r\n", value) - value);
}

}  // namespace

TEST_CASE("an answer says what it is, how long it is and what becomes of the connection") {
    auto request = get();
    request.method = "POST";
    const auto kept = render(request, {.status = 400, .body = "{}"});
    CHECK(kept.head.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    CHECK(kept.head.ends_with("\r\n\r\n"));
    CHECK(line_of(kept.head, "Content-Type") == "application/json; charset=utf-8");
    CHECK(line_of(kept.head, "Content-Length") == "2");
    CHECK(line_of(kept.head, "Connection") == "keep-alive");
    CHECK(line_of(kept.head, "Keep-Alive") == "timeout=75");
    CHECK(line_of(kept.head, "Date").ends_with(" GMT"));
    CHECK(line_of(kept.head, "ETag").empty());
    CHECK(kept.body == "{}");

    const auto closed = http::render(request, {}, Afterwards::close, idle);
    CHECK(line_of(closed.head, "Connection") == "close");
    CHECK(line_of(closed.head, "Keep-Alive").empty());
}

TEST_CASE("a client that has this version already is told so") {
    const auto first = render(get(), {.body = "[1,2]"});
    const auto tag = line_of(first.head, "ETag");
    REQUIRE(tag.starts_with("W/\"5-"));

    struct Row {
        std::string name;
        std::vector<http::Field> fields;
        bool known;
    };
    const Row rows[] = {
        {"nothing said", {}, false},
        {"the same tag", {{"If-None-Match", tag}}, true},
        {"the same tag, strong", {{"If-None-Match", tag.substr(2)}}, true},
        {"in a list", {{"If-None-Match", "\"x\" , " + tag + ",W/\"y\""}}, true},
        {"any", {{"If-None-Match", "*"}}, true},
        {"another", {{"If-None-Match", "\"x\""}}, false},
        {"nothing but commas", {{"If-None-Match", ", ,"}}, false},
        {"but wants it afresh", {{"If-None-Match", tag}, {"Cache-Control", "no-cache"}}, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto again = render(get(row.fields), {.body = "[1,2]"});
        CHECK(again.head.starts_with(row.known ? "HTTP/1.1 304 " : "HTTP/1.1 200 "));
        CHECK(again.body.empty() == row.known);
        CHECK(line_of(again.head, "Content-Length").empty() == row.known);
        CHECK(line_of(again.head, "ETag") == tag);
    }
    CHECK(line_of(render(get(), {.body = "[1,3]"}).head, "ETag") != tag);
}

TEST_CASE("HEAD is answered with the head of the GET") {
    auto head = get();
    head.method = "HEAD";
    const auto rendered = render(head, {.body = "hello"});
    CHECK(rendered.body.empty());
    CHECK(line_of(rendered.head, "Content-Length") == "5");
    CHECK(line_of(rendered.head, "ETag") == line_of(render(get(), {.body = "hello"}).head, "ETag"));
}

TEST_CASE("what a handler copies into a field cannot become a line of its own") {
    const auto rendered =
        render(get(), {.fields = {{"X-Id", "1\r\nSet-Cookie: a=b"}, {"X-Good", "2"}}});
    CHECK(rendered.head.find("Set-Cookie") == std::string::npos);
    CHECK(line_of(rendered.head, "X-Good") == "2");
}

TEST_CASE("a problem quotes what it has to quote") {
    CHECK(http::problem(400, "no \"x\\y\"\n here").body == R"({"message":"no \"x\\y\"? here"})");
}
