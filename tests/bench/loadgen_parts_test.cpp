#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "isolate/sys/error.h"
#include "tests/bench/answer.h"
#include "tests/bench/exec_floor.h"
#include "tests/bench/http_client.h"
#include "tests/bench/http_response.h"
#include "tests/bench/statistics.h"

using namespace bench;

TEST_CASE("a stage counts as passed only by the exit code it names") {
    struct Row {
        std::string name;
        const char* json;
        bool expected;
    };
    const Row rows[] = {
        {"compact", R"({"run":{"code":0}})", true},
        {"with blanks", R"({"run": {"code" : 0, "stdout": ""}})", true},
        {"both stages", R"({"compile":{"code":0},"run":{"code":0}})", true},
        {"compile failed", R"({"compile":{"code":1},"run":{"code":0}})", false},
        {"killed", R"({"run":{"code":null}})", false},
        {"a program prints a code", R"({"run":{"stdout":"\"code\":3","code":0}})", true},
        {"a value, not a key", R"({"message":"code","run":{"code":0}})", true},
        {"no stage at all", R"({"message":"pool is full"})", false},
        {"cut short", R"({"run":{"code":)", false},
        {"nothing", "", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(every_stage_exited_zero(row.json) == row.expected);
    }
}

namespace {

Answer said(std::string_view text) {
    Answer answer;
    answer.text = text;
    return answer;
}

}  // namespace

TEST_CASE("a fast but wrong answer is a complaint") {
    const Expectation expectation{.text = "hello", .least_bytes = 8};
    auto failed = said("oh hello there");
    failed.trouble = "HTTP 500";
    CHECK(complaint(said("oh hello there"), expectation).empty());
    CHECK_FALSE(complaint(said("hello"), expectation).empty());
    CHECK_FALSE(complaint(said("good day to you"), expectation).empty());
    CHECK(complaint(failed, expectation) == "HTTP 500");
}

TEST_CASE("percentiles are values that were measured") {
    CHECK(percentile({}, 0.5) == 0);
    CHECK(percentile({7}, 0.99) == 7);
    CHECK(percentile({1, 2, 3, 4, 100}, 0.5) == 3);
    CHECK(percentile({1, 2, 3, 4, 100}, 0.99) == 100);
}

TEST_CASE("a summary does not depend on the order of the answers") {
    const Summary expected{
        .jobs = 3, .mean = 2, .least = 1, .p50 = 2, .p95 = 3, .p99 = 3, .most = 3};
    CHECK(summarise({3, 1, 2}) == expected);
    CHECK(summarise({}) == Summary{});
}

TEST_CASE("a response is the same however it is cut into pieces") {
    const std::string head = "HTTP/1.1 200 OK\r\n";
    const std::string bodies[] = {
        "Content-Length: 11\r\n\r\nhello world",
        "Transfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n",
    };
    for (const auto& body : bodies) {
        CAPTURE(body);
        const auto bytes = head + body;
        for (std::size_t size = 1; size <= bytes.size(); ++size) {
            HttpResponse response;
            for (std::size_t at = 0; at < bytes.size(); at += size) {
                CHECK_FALSE(response.complete());
                response.feed(std::string_view{bytes}.substr(at, size));
            }
            CHECK(response.complete());
            CHECK(response.status() == 200);
            CHECK(response.body() == "hello world");
        }
    }
}

TEST_CASE("a body without a length ends with the connection") {
    HttpResponse response;
    response.feed("HTTP/1.1 503 Busy\r\nConnection: close\r\n\r\nlater");
    CHECK_FALSE(response.complete());
    CHECK_FALSE(response.keeps_connection());
    CHECK(response.finish());
    CHECK(response.status() == 503);
    CHECK(response.body() == "later");
}

TEST_CASE("a response that is cut short or is not HTTP is noticed") {
    HttpResponse response;
    response.feed("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello");
    CHECK_FALSE(response.finish());
    response.clear();
    CHECK(response.empty());
    CHECK_THROWS_AS(response.feed("SSH-2.0-OpenSSH_9.2\r\n\r\n"), sys::Error);
}

TEST_CASE("an address names host, port and path") {
    const Endpoint expected{.host = "127.0.0.1", .port = "2000", .path = "/api/v2/execute"};
    CHECK(parse_endpoint("127.0.0.1:2000/api/v2/execute") == expected);
    CHECK(parse_endpoint("http://127.0.0.1:2000/api/v2/execute") == expected);
    CHECK(parse_endpoint("localhost:80").path == "/");
    CHECK_THROWS_AS(parse_endpoint("localhost"), sys::Error);
    CHECK_THROWS_AS(parse_endpoint(":80/x"), sys::Error);
}

TEST_CASE("the floor feeds more than a pipe holds and leaves nothing behind") {
    const auto scratch =
        std::filesystem::temp_directory_path() / ("exec-floor-test-" + std::to_string(::getpid()));
    std::filesystem::create_directory(scratch);
    const Program program{.file_name = "main.sh",
                          .source = "test -f main.sh && cat && env\n",
                          .input = std::string(1 << 20, 'x'),
                          .stages = {{"/bin/true"}, {"/bin/sh", "main.sh"}},
                          .scratch = scratch.string()};
    ExecFloor floor(program);
    const auto answer = floor.run();
    CHECK(answer.trouble.empty());
    CHECK(answer.text.size() > program.input.size());
    CHECK(answer.text.find("HOME=" + scratch.string()) != std::string_view::npos);
    CHECK(std::filesystem::is_empty(scratch));
    std::filesystem::remove(scratch);
}

TEST_CASE("the floor does not run the program when an earlier stage failed") {
    const Program program{.file_name = "main.sh",
                          .source = "echo ran\n",
                          .input = {},
                          .stages = {{"/bin/false"}, {"/bin/sh", "main.sh"}}};
    ExecFloor floor(program);
    const auto answer = floor.run();
    CHECK(answer.trouble.find("/bin/false ended with wait status 256") != std::string::npos);
    CHECK(answer.text.empty());
}
