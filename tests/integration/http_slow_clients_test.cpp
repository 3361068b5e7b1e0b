#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "api/http/server.h"
#include "isolate/sys/fd.h"
#include "isolate/sys/file.h"
#include "tests/support/http_client.h"

using namespace config::literals;
using namespace std::chrono_literals;
using support::HttpClient;

namespace {

config::Server loopback() {
    auto settings = config::Server{};
    settings.listen = "127.0.0.1:0";
    return settings;
}

// "/<n>" is answered with n bytes.
void send_bytes(const std::shared_ptr<http::Exchange>& exchange) {
    const auto& target = exchange->request().target;
    const auto size = target.size() > 1 ? std::stoul(target.substr(1)) : 0;
    exchange->answer({.body = std::string(size, 'x')});
}

bool is_served(const http::Server& server) {
    auto client = HttpClient(server.port());
    client.send(support::get("/10"));
    const auto answer = client.read_answer();
    return answer && answer->body.size() == 10;
}

bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 1000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
    return condition();
}

// Processor time of this process so far.
std::chrono::microseconds cpu_time() {
    auto usage = rusage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto of = [](const timeval& time) {
        return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
    };
    return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace

TEST_CASE("a chunk cut between CR and LF stops nobody") {
    const auto server = http::Server(loopback(), send_bytes);
    auto client = HttpClient(server.port());
    const auto text = std::string{
        "POST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"};
    for (const auto& byte : text) {
        client.send({&byte, 1});
        std::this_thread::sleep_for(1ms);
    }
    CHECK(client.read_answer()->body == "xxx");
    CHECK(is_served(server));
}

TEST_CASE("a client that does not read costs nobody else anything") {
    auto settings = loopback();
    settings.write_buffer = 128_MiB;
    const auto server = http::Server(settings, send_bytes);
    auto silent = HttpClient(server.port());
    silent.send(support::get("/64000000"));
    for (int i = 0; i < 20; ++i) CHECK(is_served(server));

    const auto before = cpu_time();
    std::this_thread::sleep_for(500ms);
    // A thread that spins would have used all of it.
    CHECK(cpu_time() - before < 250ms);

    const auto answer = silent.read_answer();
    REQUIRE(answer);
    CHECK(answer->body.size() == 64'000'000);
}

TEST_CASE("a client that takes nothing for too long loses its connection") {
    auto settings = loopback();
    settings.write_timeout = 200ms;
    const auto server = http::Server(settings, send_bytes);
    auto silent = HttpClient(server.port());
    silent.send(support::get("/64000000"));
    // The server lets go without the client's doing anything.
    REQUIRE(comes_true([&] { return server.connections() == 1; }));
    CHECK(comes_true([&] { return server.connections() == 0; }));
    CHECK_FALSE(silent.read_answer());
}

TEST_CASE("when unsent answers exceed their budget the slowest reader is dropped") {
    auto settings = loopback();
    settings.write_buffer = 40_MiB;
    const auto server = http::Server(settings, send_bytes);
    auto first = HttpClient(server.port());
    first.send(support::get("/30000000"));
    REQUIRE(first.has_bytes());
    std::this_thread::sleep_for(100ms);  // it takes nothing for a while
    auto second = HttpClient(server.port());
    second.send(support::get("/30000000"));

    const auto answer = second.read_answer();
    REQUIRE(answer);
    CHECK(answer->body.size() == 30'000'000);
    CHECK_FALSE(first.read_answer());
    CHECK(is_served(server));
}

TEST_CASE("of the address with the most unsent the slowest reader is dropped, not of another") {
    struct Row {
        std::string name;
        std::vector<std::string> uncapped;
        int dropped;
    };
    const Row rows[] = {
        {"addresses are counted", {}, 1},
        // The control: by slowness alone it is the one that began first.
        {"they are not", {"127.0.0.0/8"}, 0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto settings = loopback();
        settings.uncapped = row.uncapped;
        settings.write_buffer = 48_MiB;
        const auto server = http::Server(settings, send_bytes);
        auto clients = std::vector<HttpClient>{};
        // What the kernel's buffers take is far less than an answer: two are within the budget.
        for (const auto* own_address : {"127.0.0.1", "127.0.0.2", "127.0.0.2"}) {
            auto& client = clients.emplace_back(server.port(), "127.0.0.1", 0, own_address);
            client.send(support::get("/22000000"));
            REQUIRE(client.has_bytes());
            std::this_thread::sleep_for(100ms);  // it takes nothing for a while
        }
        for (int i = 2; i >= 0; --i) {
            CAPTURE(i);
            const auto answer = clients[static_cast<std::size_t>(i)].read_answer();
            CHECK(answer.has_value() == (i != row.dropped));
            if (answer) CHECK(answer->body.size() == 22'000'000);
        }
    }
}

TEST_CASE("a client that takes less than the least rate is cut, at the rate it gets everything") {
    struct Row {
        std::string name;
        config::Bytes rate;
        config::Milliseconds patience;
        std::size_t size;
        bool cut;
    };
    // One client, some megabytes a second. More than the kernel's buffers take is left when the
    // rate is looked at.
    const Row rows[] = {{"slower", 1_GiB, 1s, 60'000'000, true},
                        {"faster", 64_KiB, 4s, 40'000'000, false}};
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto settings = loopback();
        settings.write_timeout = row.patience;
        settings.write_rate = row.rate;
        const auto server = http::Server(settings, send_bytes);
        auto client = HttpClient(server.port());
        client.send(support::get("/" + std::to_string(row.size)));
        const auto began = std::chrono::steady_clock::now();
        const auto taken = client.read_slowly(64 * 1024, 10ms, row.size);
        CAPTURE(taken);
        // It was within what the rate is about.
        CHECK(std::chrono::steady_clock::now() - began > settings.write_timeout);
        CHECK((taken < row.size) == row.cut);
        CHECK(is_served(server));
    }
}

TEST_CASE("a client that reads slowly gets everything") {
    const auto server = http::Server(loopback(), send_bytes);
    auto slow = HttpClient(server.port(), "127.0.0.1", 8192);
    slow.send(support::get("/3000000"));
    CHECK(slow.read_answer()->body.size() == 3'000'000);
}

TEST_CASE("a request that is handled for longer than all time-outs is answered") {
    auto settings = loopback();
    settings.header_timeout = settings.body_timeout = settings.idle_timeout = 100ms;
    settings.write_timeout = 100ms;
    auto workers = std::vector<std::jthread>{};
    const auto server = http::Server(settings, [&](const auto& exchange) {
        workers.emplace_back([exchange] {
            std::this_thread::sleep_for(1s);
            exchange->answer({.body = exchange->client_gone().stop_requested() ? "gone" : "here"});
        });
    });
    auto client = HttpClient(server.port());
    client.send(support::post("/", "{}"));
    CHECK(client.read_answer()->body == "here");
}

TEST_CASE("clients that are slow to say what they want are not waited for") {
    struct Row {
        std::string name;
        const char* sent;
        const char* answer;
    };
    const Row rows[] = {
        {"nothing", "", ""},
        {"empty lines", "\r\n\r\n", ""},
        {"a header that stops", "GET / HTTP/1.1\r\nHost", "HTTP/1.1 408 "},
        {"a body that stops", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx",
         "HTTP/1.1 408 "},
        {"chunks that stop",
         "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n", "HTTP/1.1 408 "},
    };
    auto settings = loopback();
    settings.header_timeout = settings.body_timeout = settings.idle_timeout = 200ms;
    const auto server = http::Server(settings, send_bytes);
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto client = HttpClient(server.port());
        client.send(row.sent);
        const auto all = client.read_to_end();
        REQUIRE(all);
        CHECK(all->starts_with(row.answer));
        CHECK(all->empty() == std::string_view(row.answer).empty());
    }
}

TEST_CASE("a drip of bytes does not move the deadline of a header") {
    auto settings = loopback();
    settings.header_timeout = 300ms;
    const auto server = http::Server(settings, send_bytes);
    auto client = HttpClient(server.port());
    client.send("GET / HTTP/1.1\r\nHost: h\r\nX: ");
    auto dripped = 0;
    while (dripped < 1000 && client.send("x")) {
        ++dripped;
        std::this_thread::sleep_for(10ms);
        client.patience = 0ms;
        if (client.read_answer()) break;
    }
    CHECK(dripped < 1000);
}

TEST_CASE("idle clients are kept and cost others nothing") {
    const auto server = http::Server(loopback(), send_bytes);
    auto idle = std::vector<HttpClient>{};
    for (int i = 0; i < 250; ++i) {
        idle.emplace_back(server.port());
        if (i % 2 == 0) idle.back().send("GET /1");
    }
    CHECK(is_served(server));
    const auto before = cpu_time();
    std::this_thread::sleep_for(300ms);
    CHECK(cpu_time() - before < 150ms);
    for (int i = 0; i < 250; i += 50) {
        auto& client = idle[static_cast<std::size_t>(i)];
        client.send(" HTTP/1.1\r\nHost: h\r\n\r\n");
        CHECK(client.read_answer()->body == "x");
    }
}

TEST_CASE("a client that sends on and on while it is answered is cut off") {
    auto kept = std::shared_ptr<http::Exchange>{};
    {
        const auto server =
            http::Server(loopback(), [&](const auto& exchange) { kept = exchange; });
        auto client = HttpClient(server.port());
        client.send(support::get("/"));
        const auto flood = std::string(1 << 20, 'x');
        auto sent = 0;
        while (sent < 64 && client.send(flood)) ++sent;
        CHECK(sent < 64);
    }
    CHECK(kept->client_gone().stop_requested());
}

TEST_CASE("a server out of descriptors accepts again when some are free, and does not spin") {
    const auto server = http::Server(loopback(), send_bytes);
    REQUIRE(is_served(server));

    auto before = rlimit{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    auto tight = before;
    tight.rlim_cur = std::min<rlim_t>(before.rlim_cur, 256);
    ::setrlimit(RLIMIT_NOFILE, &tight);
    auto fillers = std::vector<sys::UniqueFd>{};
    while (auto filler = sys::try_open("/dev/null", O_RDONLY | O_CLOEXEC))
        fillers.push_back(std::move(filler));
    // Room for the client, none for the server's end of it.
    fillers.pop_back();
    auto client = HttpClient(server.port());
    client.send(support::get("/1"));
    const auto used = cpu_time();
    std::this_thread::sleep_for(400ms);
    const auto spent = cpu_time() - used;
    ::setrlimit(RLIMIT_NOFILE, &before);

    CHECK(spent < 200ms);
    CHECK(client.read_answer()->body == "x");
}
