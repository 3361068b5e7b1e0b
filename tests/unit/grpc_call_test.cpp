#include <doctest/doctest.h>

#include <map>
#include <stdexcept>
#include <string>

#include "api/grpc/doorkeeper.h"
#include "api/grpc/execute.h"
#include "api/grpc/failure.h"
#include "api/grpc/peer.h"
#include "engine/busy.h"
#include "isolate/sys/error.h"

using namespace std::chrono_literals;
using rpc::Code;

TEST_CASE("an error becomes the code that says who is at fault") {
    using sys::Error;
    using sys::Kind;
    CHECK(rpc::failure_of(Error(Kind::invalid, "code is required"), "7") ==
          rpc::Failure{Code::invalid_argument, "code is required"});
    CHECK(rpc::failure_of(Error(Kind::not_found, "no such"), "7").code == Code::not_found);
    CHECK(rpc::failure_of(engine::Busy("the queue is full", 3s), "7") ==
          rpc::Failure{Code::resource_exhausted, "the queue is full; try again in 3 s", 3000ms});
    // Of what broke the client gets no word but the one by which the log is searched.
    CHECK(rpc::failure_of(Error(Kind::broken, "cannot open /secret"), "7f") ==
          rpc::Failure{Code::internal, "internal error 7f"});
    CHECK(rpc::failure_of(std::runtime_error("secret"), "8") ==
          rpc::Failure{Code::internal, "internal error 8"});
}

TEST_CASE("a key that does not do becomes the code for it") {
    CHECK(rpc::failure_of({401, "none"}) == rpc::Failure{Code::unauthenticated, "none"});
    CHECK(rpc::failure_of({403, "other"}) == rpc::Failure{Code::permission_denied, "other"});
    CHECK(rpc::failure_of({429, "often", 1200ms}) ==
          rpc::Failure{Code::resource_exhausted, "often; try again in 2 s", 1200ms});
}

TEST_CASE("a client's address is read from the library's name for it") {
    struct Row {
        std::string peer, address;
    };
    const Row rows[] = {
        {"ipv4:127.0.0.1:5000", "127.0.0.1"},
        {"ipv6:[::1]:5000", "::1"},
        {"ipv6:%5B::1%5D:5000", "::1"},
        {"ipv6:%5Bfe80::1%252%5D:5000", "fe80::1"},
        {"ipv6:[fe80::1%eth0]:5000", "fe80::1"},
        {"ipv6:[::1", ""},
        {"ipv6:", ""},
        {"unix:/run/socket", ""},
        {"", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.peer);
        CHECK(rpc::address_of(row.peer) == row.address);
    }
}

TEST_CASE("a caller shows key, proxies and id as a request over HTTP does") {
    const std::map<std::string, std::string, std::less<>> fields = {
        {"authorization", "Bearer k"}, {"x-request-id", "mine"}, {"user-agent", "none of it"}};
    const auto request = rpc::request_of("ipv4:192.0.2.1:1", [&](std::string_view name) {
        const auto found = fields.find(name);
        return found == fields.end() ? std::string{} : found->second;
    });
    CHECK(request.client == "192.0.2.1");
    CHECK(request.find_field("Authorization") == "Bearer k");
    CHECK(request.find_field("X-Request-Id") == "mine");
    CHECK(request.fields.size() == 2);
}

TEST_CASE("the time to a deadline is never below nothing") {
    const auto now = rpc::Clock::time_point{} + 10s;
    CHECK(rpc::time_left(now + 1500ms, now) == 1500ms);
    CHECK(rpc::time_left(now, now) == 0ms);
    CHECK(rpc::time_left(now - 1s, now) == 0ms);
}

TEST_CASE("so many calls are let in at once, and none once the door is shut") {
    rpc::Doorkeeper doorkeeper{2};
    CHECK_FALSE(doorkeeper.enter());
    CHECK_FALSE(doorkeeper.enter());
    const auto refused = doorkeeper.enter();
    REQUIRE(refused);
    CHECK(refused->code == Code::resource_exhausted);
    CHECK(refused->sentence.find("grpc.max_calls") != std::string::npos);
    doorkeeper.leave();
    CHECK_FALSE(doorkeeper.enter());
    doorkeeper.leave();
    doorkeeper.shut();
    CHECK(doorkeeper.enter() == rpc::shutting_down());
}
