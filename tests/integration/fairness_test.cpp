// Clients that send jobs at once take turns, and what does not fit is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/engine_process.h"
#include "tests/support/http_client.h"

using support::EngineProcess;
using support::HttpClient;

namespace {

// Sends a job as if a proxy forwarded it for that address, and does not wait for the answer.
std::unique_ptr<HttpClient> send_job(const EngineProcess& engine, const std::string& address,
                                     const std::string& code) {
    auto client = std::make_unique<HttpClient>(engine.port());
    const auto body =
        R"({"language":"bash","version":"*","files":[{"content":")" + code + R"("}]})";
    client->send(support::post("/api/v2/execute", body, "X-Forwarded-For: " + address + "\r\n"));
    return client;
}

}  // namespace

TEST_CASE("a client's job does not wait for the many of another") {
    EngineProcess engine({"server.trusted_proxies=127.0.0.1", "admission.concurrent_jobs=1"});
    std::vector<std::unique_ptr<HttpClient>> flood;
    for (int i = 0; i < 60; ++i) flood.push_back(send_job(engine, "192.0.2.1", "sleep 0.1"));
    const auto answered = [&] {
        return std::ranges::count_if(flood, [](const auto& client) {
            client->patience = std::chrono::milliseconds{0};
            return client->has_bytes();
        });
    };
    const auto before = answered();
    const auto answer = send_job(engine, "192.0.2.2", "echo first")->read_answer();
    const auto after = answered();
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->body.find("first") != std::string::npos);
    // One that ran, one whose turn it was, and what the test's own slowness lets pass.
    CHECK(after - before <= 6);
    CHECK(after < 30);
}

TEST_CASE("one client cannot fill the queue, and is told how long to wait") {
    EngineProcess engine({"server.trusted_proxies=127.0.0.1", "admission.concurrent_jobs=1",
                          "admission.queued_jobs=4", "admission.client_share=50"});
    std::vector<std::unique_ptr<HttpClient>> flood;
    for (int i = 0; i < 8; ++i) flood.push_back(send_job(engine, "192.0.2.1", "sleep 0.5"));
    int refused = 0;
    const auto other = send_job(engine, "192.0.2.2", "echo other");
    for (const auto& client : flood) {
        const auto answer = client->read_answer();
        REQUIRE(answer);
        if (answer->status == 200) continue;
        ++refused;
        CHECK(answer->status == 429);
        CHECK(answer->body.find("admission.client_share") != std::string::npos);
        CHECK(std::stoi(answer->field("Retry-After")) >= 1);
    }
    CHECK(refused > 0);
    const auto answer = other->read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 200);
}
