// The audit log of a running engine: every job that was answered has its line, whatever way it came
// in and whatever happens to the engine. How a line is written is in tests/unit/audit_test.cpp.
#include <doctest/doctest.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "api/resources/key_ring.h"
#include "tests/support/engine_process.h"
#include "tests/support/exposition.h"
#include "tests/support/ws_client.h"

using support::EngineProcess;
using support::Json;
namespace fs = std::filesystem;

namespace {

const std::string json_type = "Content-Type: application/json\r\n";
const std::string good = R"({"language":"bash","version":"*","files":[{"content":"echo hi"}]})";
const std::string graded =
    R"({"language":"bash","version":"*","files":[{"content":"cat"}],)"
    R"("tests":[{"stdin":"1","expected_output":"1"},{"stdin":"2","expected_output":"2"}]})";

// A directory of the engine's user with the log in it; gone when this is.
struct Place {
    Place() {
        fs::create_directories(scratch.path);
        const auto* const user = ::getpwnam("nobody");
        REQUIRE(user);
        REQUIRE(::chown(scratch.path.c_str(), user->pw_uid, user->pw_gid) == 0);
    }

    const support::Scratch scratch{fs::temp_directory_path() /
                                   ("crankcase-audit-log-" + std::to_string(::getpid()))};
    const std::string file = scratch.path + "/audit.jsonl";

    static std::vector<Json> lines_of(const std::string& name) {
        std::vector<Json> lines;
        std::ifstream in{name};
        for (std::string line; std::getline(in, line);)
            lines.push_back(Json::parse(line, nullptr, false));
        return lines;
    }
    std::vector<Json> lines() const { return lines_of(file); }
};

}  // namespace

TEST_CASE("every way in leaves one line a job, with the id and the name of the key") {
    const Place place;
    const auto keys = place.scratch.path + "/keys";
    std::ofstream(keys) << config::line_of(
                               {.name = "alice", .digest = resources::digest_of_key("alice-key")})
                        << "\n";
    EngineProcess engine({"audit.file=" + place.file, "keys.file=" + keys});
    const std::string bearer = "Authorization: Bearer alice-key\r\n";
    const auto post = [&](const std::string& path, const std::string& id, const std::string& body,
                          const std::string& more = {}) {
        return engine
            .ask("POST", path, json_type + bearer + "X-Request-Id: " + id + "\r\n" + more, body)
            .status;
    };
    CHECK(post("/api/v2/execute", "plain", good) == 200);
    CHECK(post("/api/v2/piston/execute", "facade", good) == 200);
    CHECK(post("/api/v1/piston/execute", "v1", R"({"language":"bash","source":"true"})") == 200);
    CHECK(post("/api/v2/execute", "events", good, "Accept: text/event-stream\r\n") == 200);
    CHECK(post("/api/v2/execute", "graded", graded) == 200);
    CHECK(post("/mini-piston/execute", "mini", R"({"language":"bash","code":"true"})") == 200);
    CHECK(post("/api/v1/execute", "rest", R"({"language":"python","code":"1"})") == 200);
    CHECK(post("/submit", "pico",
               R"({"code":"int f(void) { return 1; }","tests":"assert(f() == 1);"})") == 200);
    support::WsClient client{engine.port(), "/api/v2/connect", bearer};
    client.send_json({{"type", "init"},
                      {"language", "bash"},
                      {"version", "*"},
                      {"files", Json::array({{{"content", "exit 3"}}})}});
    client.read_to_close();
    CHECK(client.close_code == 4999);
    CHECK(post("/api/v2/execute", "wrong", "{}") == 400);

    const auto lines = place.lines();
    REQUIRE(lines.size() == 9);
    const std::vector<std::string> ids{"plain",  "facade", "v1",   "events",
                                       "graded", "mini",   "rest", "pico"};
    for (std::size_t i = 0; i < lines.size(); ++i) {
        CAPTURE(i);
        REQUIRE(lines[i].is_object());
        if (i < ids.size()) CHECK(lines[i]["id"] == ids[i]);
        CHECK(lines[i]["key"] == "alice");
        CHECK(lines[i]["client"] == "127.0.0.1");
        CHECK(lines[i]["verdict"] == (i == 8 ? "failed" : "passed"));
    }
    // printf 'echo hi' | sha256sum
    CHECK(lines[0]["code"] ==
          "sha256:56a79f3b115448072387c2480044bfa2cf8f90e4f5fddd8c943b4e051b81f80b");
    CHECK(lines[0]["files"][0]["bytes"] == 7);
    CHECK(engine.log().find("alice-key") == std::string::npos);
}

TEST_CASE("after SIGHUP lines go to a new file of the name, and none is missing") {
    const Place place;
    EngineProcess engine({"audit.file=" + place.file});
    engine.run("bash", "echo 1");
    fs::rename(place.file, place.file + ".1");
    engine.run("bash", "echo 2");
    ::kill(engine.pid(), SIGHUP);
    REQUIRE(engine.wait_for_log("reloaded", 1));
    engine.run("bash", "echo 3");
    CHECK(Place::lines_of(place.file + ".1").size() == 2);
    CHECK(place.lines().size() == 1);
}

TEST_CASE("on a full disk jobs go on and the lines that are missing are counted") {
    EngineProcess engine({"audit.file=/dev/full"});
    for (int i = 0; i < 3; ++i) CHECK(engine.run("bash", "echo hi")["run"]["stdout"] == "hi\n");
    const auto told = support::parse_exposition(engine.get("/metrics").body);
    CHECK(told.value(R"(crankcase_audit_records_total{result="lost"})") == 3);
    CHECK(told.value(R"(crankcase_audit_records_total{result="written"})") == 0);
    CHECK(engine.wait_for_log("audit_failed", 1));
}

TEST_CASE("where lines are required no job is answered without one") {
    EngineProcess engine({"audit.file=/dev/full", "audit.required=yes"});
    // The first has run before anybody knew.
    for (int i = 0; i < 2; ++i) {
        CAPTURE(i);
        const auto answer = engine.post("/api/v2/execute", good);
        CHECK(answer.status == 503);
        CHECK(answer.body.find("audit.required") != std::string::npos);
        CHECK(answer.body.find("hi\\n") == std::string::npos);
    }
    const auto told = support::parse_exposition(engine.get("/metrics").body);
    CHECK(told.value(R"(crankcase_requests_rejected_total{reason="unavailable"})") == 1);
    CHECK(told.sum("crankcase_jobs_total") == 1);
}

TEST_CASE(
    "kill -9 under load: every job that was answered has its line, and the next start goes on") {
    const Place place;
    EngineProcess engine({"audit.file=" + place.file});
    std::mutex mutex;
    std::set<std::string> answered;
    {
        std::vector<std::jthread> clients;
        for (int c = 0; c < 3; ++c) {
            clients.emplace_back([&, c](const std::stop_token& stop) {
                for (int i = 0; !stop.stop_requested(); ++i) {
                    const auto id = "job-" + std::to_string(c) + "-" + std::to_string(i);
                    const auto answer = engine.send("POST", "/api/v2/execute", good,
                                                    "X-Request-Id: " + id + "\r\n");
                    if (answer.status == 0) return;  // nobody is there any more
                    const std::lock_guard lock{mutex};
                    if (answer.status == 200) answered.insert(id);
                }
            });
        }
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{60};
        for (std::size_t enough = 0; enough < 20 && std::chrono::steady_clock::now() < give_up;) {
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
            const std::lock_guard lock{mutex};
            enough = answered.size();
        }
        for (const auto pid : engine.pids_of("server")) ::kill(pid, SIGKILL);
    }
    CHECK(answered.size() >= 20);
    std::set<std::string> written;
    for (const auto& line : place.lines())
        if (line.is_object()) written.insert(line["id"].get<std::string>());
    for (const auto& id : answered) {
        CAPTURE(id);
        CHECK(written.count(id) == 1);
    }

    // As a crash of the machine could leave it.
    engine.stop();
    std::ofstream(place.file, std::ios::app) << "{\"id\":\"tor";
    engine.start();
    engine.run("bash", "echo hi");
    const auto lines = place.lines();
    REQUIRE(lines.size() >= 2);
    CHECK(lines[lines.size() - 2].is_discarded());
    CHECK(lines.back()["verdict"] == "passed");
}
