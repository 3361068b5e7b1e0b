// Who asks, and whether they may: keys, rates, turns and web pages; decisions without a socket.
#include "api/resources/caller.h"

#include <doctest/doctest.h>

#include <string>

#include "api/resources/client.h"
#include "api/resources/key_rate.h"
#include "api/resources/key_ring.h"
#include "api/resources/origin.h"

using namespace resources;
using config::Milliseconds;
using config::Scope;
using engine::Client;

namespace {

http::Request request_from(const std::string& client, std::vector<http::Field> fields = {}) {
    http::Request request;
    request.method = "POST";
    request.target = "/api/v2/execute";
    request.client = client;
    request.fields = std::move(fields);
    return request;
}

http::Request with_key(const std::string& value) {
    return request_from("192.0.2.1", {{"authorization", value}});
}

Policy policy_with_keys() {
    Policy policy;
    policy.settings.keys.file = "/etc/crankcase/keys";
    policy.keys.add({.name = "runner", .digest = digest_of_key("run-key"), .jobs = 3});
    policy.keys.add({.name = "installer",
                     .digest = digest_of_key("install-key"),
                     .scopes = static_cast<std::uint8_t>(Scope::install)});
    return policy;
}

KeyClock::time_point at(int milliseconds) {
    return KeyClock::time_point{} + std::chrono::hours{1} + Milliseconds{milliseconds};
}

int status_of(const std::optional<http::Response>& refusal) {
    return refusal ? refusal->status : 200;
}

}  // namespace

TEST_CASE("a key is shown alone or behind Bearer") {
    const auto policy = policy_with_keys();
    for (const std::string value : {"run-key", " run-key", "Bearer run-key", "bearer  run-key "}) {
        CAPTURE(value);
        const auto* key = policy.keys.find(shown_key(with_key(value)));
        REQUIRE(key);
        CHECK(key->name == "runner");
    }
    for (const std::string value : {"", "run", "run-key2", "Basic run-key", "Bearer", "RUN-KEY"}) {
        CAPTURE(value);
        CHECK(policy.keys.find(shown_key(with_key(value))) == nullptr);
    }
    CHECK(KeyRing{}.find("run-key") == nullptr);
}

TEST_CASE("two settings may name one key, and it is good for both") {
    auto policy = policy_with_keys();
    policy.keys.add({.name = "packages.token",
                     .digest = digest_of_key("run-key"),
                     .scopes = static_cast<std::uint8_t>(Scope::install)});
    const auto* key = policy.keys.find("run-key");
    REQUIRE(key);
    CHECK(key->name == "runner");
    CHECK(key->may(Scope::run));
    CHECK(key->may(Scope::install));
}

TEST_CASE("where there are keys, a client needs one, and one for what it does") {
    auto policy = policy_with_keys();
    struct Row {
        std::string name, authorization;
        Scope scope;
        int status;
    };
    const Row rows[] = {
        {"none", "", Scope::run, 401},
        {"unknown", "Bearer x", Scope::run, 401},
        {"of a proxy", "Basic eDp5", Scope::run, 401},
        {"right", "run-key", Scope::run, 200},
        {"for something else", "install-key", Scope::run, 403},
        {"not for this", "run-key", Scope::admin, 403},
        {"for this", "install-key", Scope::install, 200},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto refusal = key_refusal(policy, with_key(row.authorization), row.scope);
        CHECK(status_of(refusal) == row.status);
        if (refusal) CHECK(refusal->body.find("keys.file") != std::string::npos);
    }
    policy.settings.keys.required = false;
    CHECK(status_of(key_refusal(policy, with_key(""), Scope::run)) == 200);
    CHECK(status_of(key_refusal(policy, with_key("Basic eDp5"), Scope::run)) == 200);
    CHECK(status_of(key_refusal(policy, with_key("x"), Scope::run)) == 401);
    CHECK(status_of(key_refusal(policy, with_key(""), Scope::admin)) == 401);
    policy.settings.keys.file.clear();
    CHECK(status_of(key_refusal(policy, with_key("x"), Scope::admin)) == 200);
}

TEST_CASE("clients take turns by key, else by address or network, else by user") {
    auto policy = policy_with_keys();
    policy.proxies.push_back(*config::parse_network("10.0.0.1"));
    const auto client = [&](const http::Request& request) {
        return caller_of(request, policy).client;
    };
    CHECK(client(with_key("run-key")).kind == Client::Kind::key);
    CHECK(client(with_key("run-key")) != client(with_key("install-key")));
    CHECK(client(with_key("x")) == client(request_from("192.0.2.1")));
    CHECK(client(request_from("192.0.2.1")) != client(request_from("192.0.2.2")));
    CHECK(client(request_from("2001:db8::1")) == client(request_from("2001:db8::2:1")));
    CHECK(client(request_from("2001:db8::1")) != client(request_from("2001:db8:0:1::1")));
    CHECK(client(request_from("10.0.0.1", {{"X-Forwarded-For", "192.0.2.1"}})) ==
          client(request_from("192.0.2.1")));
    CHECK(client(request_from("uid:1000")).kind == Client::Kind::user);
    CHECK(client(request_from("uid:1000")) != client(request_from("uid:1001")));
    CHECK(client(request_from("uid:")).kind == Client::Kind::nobody);
    CHECK(ticket_of(with_key("run-key"), policy).most_running == 3);
    CHECK(ticket_of(with_key("x"), policy).most_running == 0);
}

TEST_CASE("a key's jobs come in a burst and then evenly") {
    const config::KeyRate rate{.count = 10, .window = Milliseconds{1000}, .burst = 3};
    KeyClock::time_point next{};
    for (int i = 0; i < 3; ++i) CHECK(admit(next, rate, at(0)).count() == 0);
    CHECK(admit(next, rate, at(0)) == Milliseconds{100});
    CHECK(admit(next, rate, at(60)) == Milliseconds{40});
    CHECK(admit(next, rate, at(100)).count() == 0);
    CHECK(admit(next, rate, at(100)) == Milliseconds{100});
    for (int i = 0; i < 3; ++i) CHECK(admit(next, rate, at(10'000)).count() == 0);
    CHECK(admit(next, rate, at(10'000)).count() > 0);
    CHECK(admit(next, {}, at(10'000)).count() == 0);
}

TEST_CASE("keys without a rate, and each key with its own, do not wait for others") {
    KeyRates rates;
    const config::KeyRate slow{.count = 1, .window = Milliseconds{3'600'000}, .burst = 1};
    const config::Key one{.name = "one", .digest = digest_of_key("1"), .rate = slow};
    const config::Key other{.name = "other", .digest = digest_of_key("2"), .rate = slow};
    const config::Key free{.name = "free", .digest = digest_of_key("3")};
    CHECK(rates.take(one, at(0)).count() == 0);
    CHECK(rates.take(one, at(1)) == Milliseconds{3'599'999});
    CHECK(rates.take(other, at(1)).count() == 0);
    for (int i = 0; i < 5; ++i) CHECK(rates.take(free, at(1)).count() == 0);
}

TEST_CASE("an engine of the loopback answers to names of the loopback and to those it was given") {
    for (const std::string listen :
         {"127.0.0.1:2000", "127.0.1.1:80", "[::1]:2000", "localhost:2000", "LocalHost:1"}) {
        CAPTURE(listen);
        CHECK(reach_of(listen) == Reach::loopback);
    }
    for (const std::string listen :
         {"0.0.0.0:2000", "[::]:2000", "192.0.2.1:2000", "engine:2000", "notlocalhost:1"}) {
        CAPTURE(listen);
        CHECK(reach_of(listen) == Reach::network);
    }
    const std::vector<std::string> hosts{"code.example", "192.0.2.9"};
    struct Row {
        std::string host;
        bool alone, listed, network, network_listed;
    };
    const Row rows[] = {
        {"localhost", true, true, true, true},
        {"LOCALHOST:2000", true, true, true, true},
        {"a.localhost.:80", true, true, true, true},
        {"127.9.9.9:2000", true, true, true, true},
        {"[::1]:2000", true, true, true, true},
        {"code.example", false, true, true, true},
        {"Code.Example.:443", false, true, true, true},
        {"192.0.2.9:80", false, true, true, true},
        {"192.0.2.8:80", false, false, true, true},
        {"evil.example:2000", false, false, true, false},
        {"localhost.evil.example", false, false, true, false},
        {"evillocalhost", false, false, true, false},
        {"127.0.0.1.evil.example", false, false, true, false},
        {"[::1", true, true, true, true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.host);
        CHECK(is_own_name(row.host, {}, Reach::loopback) == row.alone);
        CHECK(is_own_name(row.host, hosts, Reach::loopback) == row.listed);
        CHECK(is_own_name(row.host, {}, Reach::network) == row.network);
        CHECK(is_own_name(row.host, hosts, Reach::network) == row.network_listed);
        CHECK(is_own_name(row.host, {"*"}, Reach::loopback));
    }
}

TEST_CASE("foreign pages have nothing done unless the settings name them") {
    config::Settings settings;
    const auto status = [&](const std::string& origin,
                            const std::string& target = "/api/v2/execute",
                            Reach reach = Reach::loopback, const std::string& method = "POST") {
        auto request = request_from("127.0.0.1", {{"Host", "localhost:2000"}, {"Origin", origin}});
        request.method = method;
        request.target = target;
        return status_of(page_refusal(settings, reach, request));
    };
    const std::string facade = "/api/v2/piston/execute";
    CHECK(status("http://localhost:2000") == 200);
    CHECK(status("https://evil.example") == 403);
    CHECK(status("http://localhost") == 403);
    CHECK(status("null") == 403);
    CHECK(status("https://evil.example", "/api/v2/packages", Reach::network, "DELETE") == 403);
    CHECK(status("https://evil.example", "/api/v2/runtimes", Reach::loopback, "GET") == 200);
    CHECK(status("https://evil.example", "/api/v2/execute", Reach::loopback, "OPTIONS") == 200);
    CHECK(status("https://evil.example", facade) == 403);
    CHECK(status("https://evil.example", "/API/V1/Piston/execute") == 403);
    CHECK(status("https://evil.example", facade, Reach::network) == 200);
    settings.facade.cors_origins = {"*"};
    CHECK(status("https://evil.example", facade) == 200);
    CHECK(status("https://evil.example") == 403);
    settings.facade.cors_origins = {"auto", "https://ide.example"};
    CHECK(status("https://ide.example", facade) == 200);
    CHECK(status("https://evil.example", facade) == 403);
    settings.server.cors_origins = {"https://ide.example"};
    CHECK(status("https://IDE.example") == 200);
    CHECK(status("https://ide.example.evil") == 403);
}

TEST_CASE("what a browser asks is looked at, what a program asks is not") {
    const config::Settings settings;
    const auto status = [&](const http::Request& request) {
        return status_of(page_refusal(settings, Reach::loopback, request));
    };
    CHECK(status(request_from("127.0.0.1")) == 200);
    CHECK(status(request_from("127.0.0.1", {{"Host", "rebound.example:2000"}})) == 403);
    auto reading = request_from("127.0.0.1", {{"Host", "rebound.example:2000"}});
    reading.method = "GET";
    CHECK(status(reading) == 403);
    CHECK(status(request_from("uid:1000", {{"Host", "anything"}})) == 200);
    CHECK(status(request_from("127.0.0.1", {{"Host", "127.0.0.1"},
                                            {"Origin", "https://code.example"},
                                            {"Sec-Fetch-Site", "same-origin"}})) == 200);
    CHECK(status(request_from("127.0.0.1", {{"Host", "127.0.0.1"},
                                            {"Origin", "https://code.example"},
                                            {"Sec-Fetch-Site", "same-site"}})) == 403);
    auto socket = request_from(
        "127.0.0.1",
        {{"Host", "localhost:2000"}, {"Upgrade", "websocket"}, {"Origin", "https://evil.example"}});
    socket.method = "GET";
    CHECK(status(socket) == 403);
}
