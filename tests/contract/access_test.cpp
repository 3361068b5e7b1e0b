// Who may have what done, over HTTP: API keys and web pages. What is decided without a socket is in
// tests/unit/caller_test.cpp.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/resources/key_ring.h"
#include "tests/support/engine_process.h"
#include "tests/support/http_client.h"
#include "tests/support/ws_client.h"

using support::EngineProcess;
using support::WsClient;

namespace {

const std::string job = R"({"language":"bash","version":"*","files":[{"content":"echo hi"}]})";
const std::string v1_job = R"({"language":"bash","source":"echo hi"})";
const std::string json_type = "Content-Type: application/json\r\n";

struct WayIn {
    std::string path, body;
};
const WayIn ways_in[] = {
    {"/api/v2/execute", job},
    {"/api/v2/piston/execute", job},
    {"/api/v1/piston/execute", v1_job},
    {"/execute", R"({"language":"bash","code":"true"})"},
    {"/mini-piston/execute", R"({"language":"bash","code":"true"})"},
    {"/base64-jobs/execute", R"({"language":"python","code":"cHJpbnQoMSk="})"},
    {"/api/v1/execute", R"({"language":"python","code":"1"})"},
    {"/submit", R"({"code":"int f(void) { return 1; }","tests":"assert(f() == 1);"})"},
};

std::string key_line(const std::string& name, const std::string& key, const std::string& more) {
    config::Key value{.name = name, .digest = resources::digest_of_key(key)};
    const auto line = config::line_of(value);
    return line.substr(0, line.find(" scopes=")) + " " + more + "\n";
}

std::string bearer(const std::string& key) {
    return "Authorization: Bearer " + key + "\r\n";
}

// A file of keys that goes when this does.
class KeysFile {
public:
    explicit KeysFile(const std::string& text) { write(text); }
    KeysFile(const KeysFile&) = delete;
    KeysFile& operator=(const KeysFile&) = delete;
    ~KeysFile() { std::filesystem::remove(path); }

    void write(const std::string& text) const { std::ofstream(path) << text; }

    const std::string path = std::filesystem::temp_directory_path() /
                             ("crankcase-api-keys-" + std::to_string(::getpid()));
};

std::string first_status_line(const WsClient& client) {
    return client.head().substr(0, client.head().find('\r'));
}

}  // namespace

TEST_CASE("with a file of keys every way to run code needs one, and to look around none") {
    const KeysFile keys(key_line("alice", "alice-key", "scopes=run") +
                        key_line("ops", "ops-key", "scopes=install"));
    EngineProcess engine({"keys.file=" + keys.path, "packages.api=token"});
    for (const auto& row : ways_in) {
        CAPTURE(row.path);
        const auto post = [&](const std::string& fields) {
            return engine.ask("POST", row.path, json_type + fields, row.body);
        };
        const auto missing = post("");
        CHECK(missing.status == 401);
        CHECK(missing.field("WWW-Authenticate") == "Bearer");
        CHECK(missing.json()["message"].is_string());
        CHECK(post(bearer("other-key")).status == 401);
        CHECK(post(bearer("ops-key")).status == 403);
        CHECK(post(bearer("alice-key")).status == 200);
        CHECK(post("Authorization: alice-key\r\n").status == 200);
    }
    CHECK(engine.ask("POST", "/api/v2/execute", json_type + "Accept: text/event-stream\r\n", job)
              .status == 401);
    CHECK(first_status_line(WsClient{engine.port()}) == "HTTP/1.1 401 Unauthorized");
    CHECK(first_status_line(WsClient{engine.port(), "/api/v2/connect", bearer("alice-key")}) ==
          "HTTP/1.1 101 Switching Protocols");
    for (const std::string path : {"/", "/api/v2/runtimes", "/healthz", "/version"})
        CHECK(engine.get(path).status == 200);

    const auto packages = [&](const std::string& fields) {
        return engine.ask("GET", "/api/v2/packages", fields).status;
    };
    CHECK(packages("") == 401);
    CHECK(packages(bearer("alice-key")) == 403);
    CHECK(packages(bearer("ops-key")) == 200);
}

TEST_CASE("a key's rate is its own, and a reload brings and revokes keys") {
    const KeysFile keys(key_line("slow", "slow-key", "rate=1/h burst=2") +
                        key_line("fast", "fast-key", ""));
    EngineProcess engine({"keys.file=" + keys.path});
    const auto status = [&](const std::string& key) {
        return engine.ask("POST", "/api/v2/execute", json_type + bearer(key), job).status;
    };
    CHECK(status("slow-key") == 200);
    CHECK(status("slow-key") == 200);
    const auto refused = engine.ask("POST", "/api/v2/execute", json_type + bearer("slow-key"), job);
    CHECK(refused.status == 429);
    CHECK(
        refused.json()["message"] ==
        "the API key \"slow\" may send 1 job in one hour, 2 at once (rate and burst in keys.file)");
    CHECK(std::stoi(refused.field("Retry-After")) > 0);
    for (const auto& way : ways_in) {
        CAPTURE(way.path);
        CHECK(engine.ask("POST", way.path, json_type + bearer("slow-key"), way.body).status == 429);
    }
    CHECK(status("fast-key") == 200);
    CHECK(status("new-key") == 401);

    keys.write(key_line("slow", "slow-key", "rate=1/h burst=2") + key_line("new", "new-key", ""));
    ::kill(engine.pid(), SIGHUP);
    REQUIRE(engine.wait_for_log("reloaded", 1));
    CHECK(status("new-key") == 200);
    CHECK(status("fast-key") == 401);
    CHECK(status("slow-key") == 429);

    keys.write("new new-key\n");
    ::kill(engine.pid(), SIGHUP);
    REQUIRE(engine.wait_for_log("reload_failed", 1));
    CHECK(engine.log().find("new-key") == std::string::npos);
    CHECK(status("new-key") == 200);
}

TEST_CASE("a key may have so many jobs at once, and others pass its waiting ones") {
    const KeysFile keys(key_line("one", "one-key", "jobs=1") + key_line("any", "any-key", ""));
    EngineProcess engine({"keys.file=" + keys.path});
    const std::string sleeping =
        R"({"language":"bash","version":"*","files":[{"content":"sleep 0.3"}]})";
    std::vector<std::jthread> clients;
    std::atomic<int> good = 0;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back([&] {
            const auto answer =
                engine.ask("POST", "/api/v2/execute", json_type + bearer("one-key"), sleeping);
            if (answer.status == 200) ++good;
        });
    }
    CHECK(engine.ask("POST", "/api/v2/execute", json_type + bearer("any-key"), job).status == 200);
    clients.clear();
    CHECK(good == 3);
}

TEST_CASE("on the loopback a name that is not the engine's is refused, for reading as well") {
    EngineProcess engine({"server.hosts=code.example"});
    const auto status = [&](const std::string& host) {
        support::HttpClient client{engine.port()};
        client.send("GET /api/v2/runtimes HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
        const auto answer = client.read_answer();
        return answer ? answer->status : 0;
    };
    CHECK(status("rebound.example:2000") == 403);
    CHECK(status("localhost") == 200);
    CHECK(status("code.example") == 200);
}

TEST_CASE("the engine's own pages run programs, others of the loopback do not") {
    EngineProcess engine;
    const auto own = "http://localhost:" + std::to_string(engine.port());
    const auto connect = [&](const std::string& origin) {
        return first_status_line(
            WsClient{engine.port(), "/api/v2/connect", "Origin: " + origin + "\r\n"});
    };
    CHECK(connect(own) == "HTTP/1.1 101 Switching Protocols");
    CHECK(connect("http://localhost:1") == "HTTP/1.1 403 Forbidden");
    const auto post = [&](const std::string& fields) {
        return engine.ask("POST", "/api/v2/execute", json_type + fields, job).status;
    };
    CHECK(post("") == 200);
    CHECK(post("Origin: http://localhost\r\n") == 200);
    CHECK(post("Origin: http://localhost:1\r\n") == 403);
    CHECK(post("Origin: null\r\n") == 403);
}

TEST_CASE("jobs of two keys are never forks of one interpreter") {
    const KeysFile keys(key_line("alice", "alice-key", "scopes=run") +
                        key_line("bob", "bob-key", "scopes=run"));
    EngineProcess engine({"keys.file=" + keys.path, "warm.parked=4"});
    const auto seed_of = [&engine](const std::string& key) {
        const auto body =
            R"x({"language":"python","version":"*","files":[{"content":"print(hash('a'))"}]})x";
        return engine.ask("POST", "/api/v2/execute", json_type + bearer(key), body)
            .json()["run"]["stdout"]
            .get<std::string>();
    };
    constexpr std::size_t jobs = 30;
    std::set<std::string> of_alice, of_bob;
    for (std::size_t turn = 0; turn < jobs; ++turn) {
        of_alice.insert(seed_of("alice-key"));
        of_bob.insert(seed_of("bob-key"));
    }
    CHECK(of_alice.size() < jobs);  // there were forks
    CHECK(of_bob.size() < jobs);
    for (const auto& seed : of_alice) CHECK(!of_bob.contains(seed));
}
