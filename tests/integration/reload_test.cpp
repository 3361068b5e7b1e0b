// SIGHUP: settings are read and toolchains looked for again while jobs run on.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/engine_process.h"

TEST_CASE("a reload loses no job and finds the same toolchains again") {
    support::EngineProcess engine;
    const auto before = engine.get("/api/v2/runtimes").body;
    bool all_right = true;
    std::jthread client{[&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const auto run = engine.run("bash", "echo sings")["run"];
            all_right = all_right && run["stdout"] == "sings\n";
        }
    }};
    for (int round = 1; round <= 3; ++round) {
        ::kill(engine.pid(), SIGHUP);
        REQUIRE(engine.wait_for_log("runtimes_found", round + 1));
    }
    client.request_stop();
    client.join();
    CHECK(all_right);
    CHECK(engine.get("/api/v2/runtimes").body == before);
}

namespace {

// A settings file that the engine's user can read.
struct SettingsFile {
    const std::string path = std::filesystem::temp_directory_path() /
                             ("crankcase-reload-" + std::to_string(::getpid()) + ".toml");

    explicit SettingsFile(const std::string& text) { write(text); }
    SettingsFile(const SettingsFile&) = delete;
    SettingsFile& operator=(const SettingsFile&) = delete;
    ~SettingsFile() { std::filesystem::remove(path); }

    void write(const std::string& text) const { std::ofstream(path) << text; }
};

// What the engine says to a job that wants this much time: nothing if it may have it.
std::string refusal_of(const support::EngineProcess& engine, int run_timeout) {
    const support::Json request{{"language", "bash"},
                                {"version", "*"},
                                {"files", support::Json::array({{{"content", "true"}}})},
                                {"run_timeout", run_timeout}};
    const auto answer = engine.post("/api/v2/execute", request.dump());
    return answer.status == 200 ? "" : answer.json().value("message", answer.body);
}

}  // namespace

TEST_CASE(
    "a reload under load changes a limit for new jobs, loses none, and keeps what it cannot") {
    const SettingsFile file("limits.run.wall_time = \"3s\"\n");
    support::EngineProcess engine({}, file.path);
    CHECK(refusal_of(engine, 2500).empty());

    std::atomic<int> jobs = 0, lost = 0;
    std::vector<std::jthread> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back([&](const std::stop_token& stop) {
            while (!stop.stop_requested()) {
                const auto answer = engine.post(
                    "/api/v2/execute",
                    R"({"language":"bash","version":"*","files":[{"content":"echo sings"}]})");
                const auto json = answer.json();
                lost += answer.status != 200 || json["run"]["stdout"] != "sings\n";
                ++jobs;
            }
        });
    }
    file.write(
        "limits.run.wall_time = \"2s\"\nserver.io_threads = 2\n"
        "server.cors_origins = [\"https://a.example\"]\n"
        "[limits.overrides.python]\nrun_timeout = 1000\n");
    ::kill(engine.pid(), SIGHUP);
    REQUIRE(engine.wait_for_log("reloaded", 1));
    CHECK(refusal_of(engine, 2500) == "run_timeout cannot exceed the configured limit of 2000");
    CHECK(engine.ask("GET", "/", "Origin: https://a.example\r\n")
              .field("Access-Control-Allow-Origin") == "https://a.example");
    CHECK(engine.wait_for_log("setting_needs_restart setting=server.io_threads", 1));

    file.write("limits.run.wall_time = \"1s\"\nlimits.run.memory = \"much\"\n");
    ::kill(engine.pid(), SIGHUP);
    REQUIRE(engine.wait_for_log("reload_failed", 1));
    CHECK(engine.log().find(file.path + ":2: limits.run.memory cannot be") != std::string::npos);
    CHECK(refusal_of(engine, 2500) == "run_timeout cannot exceed the configured limit of 2000");
    CHECK(refusal_of(engine, 1500).empty());

    const int before = jobs;
    while (jobs < before + 10) std::this_thread::yield();
    for (auto& client : clients) client.request_stop();
    clients.clear();
    CHECK(lost == 0);
}

TEST_CASE("a job that runs while the settings change keeps the limit it began with") {
    const SettingsFile file("limits.run.wall_time = \"20s\"\n");
    support::EngineProcess engine({}, file.path);
    support::Json run;
    std::jthread client{[&] { run = engine.run("bash", "sleep 2; echo sings")["run"]; }};
    while (engine.pids_of("sleep").empty()) std::this_thread::yield();
    file.write("limits.run.wall_time = \"1s\"\n");
    ::kill(engine.pid(), SIGHUP);
    REQUIRE(engine.wait_for_log("reloaded", 1));
    CHECK(refusal_of(engine, 1001) == "run_timeout cannot exceed the configured limit of 1000");
    client.join();
    CHECK(run["stdout"] == "sings\n");
}
