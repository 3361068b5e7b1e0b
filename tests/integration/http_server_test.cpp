#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/http/server.h"
#include "isolate/sys/error.h"
#include "tests/support/http_client.h"

using namespace config::literals;
using support::HttpClient;

namespace {

config::Server loopback() {
    auto settings = config::Server{};
    settings.listen = "127.0.0.1:0";
    return settings;
}

// Says what it was asked.
void echo(const std::shared_ptr<http::Exchange>& exchange) {
    const auto& request = exchange->request();
    exchange->answer({.content_type = "text/plain",
                      .body = request.method + " " + request.target + " " + request.body});
}

// Keeps exchanges for the test to answer.
class Desk {
public:
    http::Handler handler() {
        return [this](const std::shared_ptr<http::Exchange>& exchange) {
            const auto lock = std::lock_guard(mutex_);
            waiting_.push_back(exchange);
            arrived_.notify_all();
        };
    }

    std::shared_ptr<http::Exchange> next() {
        auto lock = std::unique_lock(mutex_);
        REQUIRE(
            arrived_.wait_for(lock, std::chrono::seconds(10), [&] { return !waiting_.empty(); }));
        auto exchange = waiting_.front();
        waiting_.erase(waiting_.begin());
        return exchange;
    }

    bool is_empty() {
        const auto lock = std::lock_guard(mutex_);
        return waiting_.empty();
    }

private:
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<std::shared_ptr<http::Exchange>> waiting_;
};

bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return condition();
}

}  // namespace

TEST_CASE("a connection serves one request after another") {
    const auto server = http::Server(loopback(), echo);
    auto client = HttpClient(server.port());
    for (const auto* const path : {"/a", "/b"}) {
        REQUIRE(client.send(support::post(path, "body")));
        const auto answer = client.read_answer();
        REQUIRE(answer);
        CHECK(answer->status == 200);
        CHECK(answer->body == "POST " + std::string(path) + " body");
        CHECK(answer->field("Connection") == "keep-alive");
    }
}

TEST_CASE("HEAD, HTTP/1.0 and Connection: close are answered as they ask") {
    const auto server = http::Server(loopback(), echo);
    auto head = HttpClient(server.port());
    REQUIRE(head.send("HEAD /x HTTP/1.1\r\nHost: h\r\n\r\n" + support::get("/y")));
    CHECK(head.read_answer(true)->field("Content-Length") == "8");
    CHECK(head.read_answer()->body == "GET /y ");

    auto old = HttpClient(server.port());
    REQUIRE(old.send("GET /x HTTP/1.0\r\n\r\n"));
    CHECK(old.read_to_end().value_or("").ends_with("GET /x "));

    auto closing = HttpClient(server.port());
    REQUIRE(closing.send(support::get("/x", "Connection: close\r\n")));
    CHECK(closing.read_to_end().value_or("").ends_with("GET /x "));
}

TEST_CASE("the server listens on IPv6 as well and knows who asks") {
    auto settings = loopback();
    const auto who = [](const std::shared_ptr<http::Exchange>& exchange) {
        exchange->answer({.body = exchange->request().client});
    };
    const auto four = http::Server(settings, who);
    auto client4 = HttpClient(four.port());
    client4.send(support::get("/"));
    CHECK(client4.read_answer()->body == "127.0.0.1");

    settings.listen = "[::1]:0";
    auto six = std::unique_ptr<http::Server>{};
    try {
        six = std::make_unique<http::Server>(settings, who);
    } catch (const sys::Error& error) {
        MESSAGE("skipped, no IPv6 loopback here: " << error.what());
        return;
    }
    auto client6 = HttpClient(six->port(), "::1");
    client6.send(support::get("/"));
    CHECK(client6.read_answer()->body == "::1");
}

TEST_CASE("an address that cannot be had is named") {
    const auto server = http::Server(loopback(), echo);
    auto settings = loopback();
    settings.listen = "127.0.0.1:" + std::to_string(server.port());
    CHECK_THROWS_AS(http::Server(settings, echo), sys::Error);
    settings.listen = "nonsense";
    CHECK_THROWS_WITH_AS(http::Server(settings, echo), "cannot listen on nonsense: no port",
                         sys::Error);
}

TEST_CASE("answers come in the order of the requests, whoever gives them") {
    auto desk = Desk{};
    const auto server = http::Server(loopback(), desk.handler());
    auto client = HttpClient(server.port());
    REQUIRE(client.send(support::get("/1") + support::post("/2", "b") + support::get("/3")));
    for (const auto* const path : {"/1", "/2", "/3"}) {
        const auto exchange = desk.next();
        CHECK(exchange->request().target == path);
        CHECK(desk.is_empty());
        std::thread([&] { exchange->answer({.body = path}); }).join();
        CHECK(client.read_answer()->body == path);
    }
}

TEST_CASE("a thousand pipelined requests are answered without a deep stack") {
    const auto server = http::Server(loopback(), echo);
    auto client = HttpClient(server.port());
    auto train = std::string{};
    for (int i = 0; i < 1000; ++i)
        train += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
    std::thread sender([&] { client.send(train); });
    for (int i = 0; i < 1000; ++i) {
        const auto answer = client.read_answer();
        REQUIRE(answer);
        CHECK(answer->body == "GET /" + std::to_string(i) + " ");
    }
    sender.join();
}

TEST_CASE("a large body is asked for and taken whole") {
    const auto measure = [](const std::shared_ptr<http::Exchange>& exchange) {
        exchange->answer({.body = std::to_string(exchange->request().body.size())});
    };
    const auto server = http::Server(loopback(), measure);
    auto client = HttpClient(server.port());
    const auto body = std::string(5'000'000, 'x');
    REQUIRE(client.send(
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n"));
    CHECK(client.read_answer()->status == 100);
    REQUIRE(client.send(body));
    CHECK(client.read_answer()->body == "5000000");
}

TEST_CASE("a body that is too large is refused before it is sent, and the client can read why") {
    auto settings = loopback();
    settings.body_limit = 1_MiB;
    const auto server = http::Server(settings, echo);
    auto polite = HttpClient(server.port());
    polite.send(
        "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n");
    CHECK(polite.read_answer()->status == 400);
    CHECK(polite.ended());

    auto hasty = HttpClient(server.port());
    hasty.send(support::post("/", std::string(8 << 20, 'x')));
    const auto answer = hasty.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 400);
    CHECK(answer->field("Connection") == "close");
    CHECK(answer->body.find("server.body_limit") != std::string::npos);

    auto exact = HttpClient(server.port());
    exact.send(support::post("/", std::string(1 << 20, 'x')));
    CHECK(exact.read_answer()->body.size() == (1 << 20) + 7);
}

TEST_CASE("a request that could be smuggled is refused and its connection ends") {
    const auto server = http::Server(loopback(), echo);
    auto client = HttpClient(server.port());
    client.send(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /evil HTTP/1.1\r\nHost: h\r\n\r\n");
    const auto all = client.read_to_end();
    REQUIRE(all);
    CHECK(all->starts_with("HTTP/1.1 400 "));
    CHECK(all->find("evil") == std::string::npos);
}

TEST_CASE("a client that goes stops what was done for it") {
    struct Row {
        std::string name;
        void (HttpClient::*leave)();
    };
    const Row rows[] = {
        {"closes", &HttpClient::close},
        {"resets", &HttpClient::reset},
        {"ends its sending", &HttpClient::finish_sending},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto desk = Desk{};
        const auto server = http::Server(loopback(), desk.handler());
        auto client = HttpClient(server.port());
        client.send(support::get("/1") + support::get("/2"));
        auto exchange = desk.next();
        CHECK_FALSE(exchange->client_gone().stop_requested());
        (client.*row.leave)();
        CHECK(comes_true([&] { return exchange->client_gone().stop_requested(); }));
        exchange->answer({});
        exchange.reset();
        CHECK(comes_true([&] { return server.connections() == 0; }));
        CHECK(desk.is_empty());
    }
}

TEST_CASE("a client that only ended its sending still gets its answer") {
    const auto server = http::Server(loopback(), echo);
    auto client = HttpClient(server.port());
    client.send(support::get("/x"));
    client.finish_sending();
    CHECK(client.read_to_end().value_or("").ends_with("GET /x "));
}

TEST_CASE("a handler that throws or forgets is answered for") {
    const auto server = http::Server(loopback(), [](const auto& exchange) {
        if (exchange->request().target == "/throw") throw std::runtime_error("no");
    });
    auto client = HttpClient(server.port());
    client.send(support::get("/throw") + support::get("/forget"));
    CHECK(client.read_answer()->status == 500);
    CHECK(client.read_answer()->status == 500);
}

TEST_CASE("clients beyond the limit are told so, and the others are served") {
    auto settings = loopback();
    settings.max_connections = 3;
    const auto server = http::Server(settings, echo);
    auto clients = std::vector<HttpClient>{};
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(server.port());
        clients.back().send(support::get("/"));
        REQUIRE(clients.back().read_answer());
    }
    auto surplus = HttpClient(server.port());
    CHECK(surplus.read_answer()->status == 503);
    CHECK(surplus.ended());

    clients.front().send(support::get("/"));
    CHECK(clients.front().read_answer());
    clients.pop_back();
    CHECK(comes_true([&] { return server.connections() < 3; }));
    auto next = HttpClient(server.port());
    next.send(support::get("/"));
    CHECK(next.read_answer()->status == 200);
}

TEST_CASE("a server that stops accepting finishes what it has") {
    auto desk = Desk{};
    auto server = http::Server(loopback(), desk.handler());
    auto busy = HttpClient(server.port());
    auto idle = HttpClient(server.port());
    busy.send(support::get("/"));
    const auto exchange = desk.next();
    REQUIRE(comes_true([&] { return server.connections() == 2; }));

    server.stop_accepting();
    CHECK(idle.ended());
    CHECK_THROWS_AS(HttpClient(server.port()), sys::Error);
    exchange->answer({.body = "done"});
    const auto answer = busy.read_answer();
    REQUIRE(answer);
    CHECK(answer->body == "done");
    CHECK(answer->field("Connection") == "close");
    CHECK(busy.ended());
}

TEST_CASE("an exchange may outlive its server") {
    auto desk = Desk{};
    auto server = std::make_unique<http::Server>(loopback(), desk.handler());
    auto client = HttpClient(server->port());
    client.send(support::get("/"));
    const auto exchange = desk.next();
    server.reset();
    CHECK(exchange->client_gone().stop_requested());
    CHECK(client.ended());
    exchange->answer({});
}
