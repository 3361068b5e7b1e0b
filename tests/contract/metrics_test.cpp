// GET /metrics of a running engine: what is counted after jobs that are known, and who may see it.
#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "api/resources/key_ring.h"
#include "tests/support/engine_process.h"
#include "tests/support/exposition.h"
#include "tests/support/http_client.h"
#include "tests/support/places.h"
#include "tests/support/ws_client.h"

using support::EngineProcess;
using support::Json;

namespace {

const std::string json_type = "Content-Type: application/json\r\n";
const std::string good = R"({"language":"bash","version":"*","files":[{"content":"echo hi"}]})";

support::Exposition scrape(const EngineProcess& engine) {
    const auto answer = engine.get("/metrics");
    REQUIRE(answer.status == 200);
    return support::parse_exposition(answer.body);
}

// How much a sample grew.
class Growth {
public:
    explicit Growth(const EngineProcess& engine) : engine_(engine), before_(scrape(engine)) {}

    double of(const std::string& sample) const {
        return scrape(engine_).value(sample) - before_.value(sample);
    }
    double of_all(const std::string& name) const {
        return scrape(engine_).sum(name) - before_.sum(name);
    }

private:
    const EngineProcess& engine_;
    const support::Exposition before_;
};

// Runners are made clean after the answer has left; as well those of programs that stood ready for
// nobody, where there are any.
bool counts_clean_ups(const Growth& growth, double jobs) {
    const std::string sample = "crankcase_runner_clean_up_seconds_count";
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (growth.of(sample) < jobs) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return support::places() > 0 || growth.of(sample) == jobs;
}

// The first tests of the engine's runners are over, and made clean after.
bool all_are_ready(const EngineProcess& engine, double runners) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (scrape(engine).value("crankcase_runners{state=\"ready\"}") < runners) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return true;
}

std::string bash_label(const EngineProcess& engine) {
    for (const auto& runtime : engine.get("/api/v2/runtimes").json())
        if (runtime["language"] == "bash") return "bash-" + runtime["version"].get<std::string>();
    FAIL("there is no bash");
    return {};
}

std::string bearer(const std::string& key) {
    return "Authorization: Bearer " + key + "\r\n";
}

}  // namespace

TEST_CASE("after jobs that are known, counters and histograms say exactly those, by whatever way") {
    EngineProcess engine;
    const auto label = "runtime=\"" + bash_label(engine) + "\"";
    const int runners = 4;  // and more as soon as programs are to stand ready
    REQUIRE(all_are_ready(engine, runners));
    const Growth growth{engine};
    engine.run("bash", "echo hi");
    engine.run("bash", "exit 3");
    engine.run("bash", "sleep 10", {{"run_timeout", 100}});
    CHECK(engine.post("/api/v2/piston/execute", good).status == 200);
    CHECK(engine.post("/api/v1/piston/execute", R"({"language":"bash","source":"true"})").status ==
          200);
    CHECK(engine.ask("POST", "/api/v2/execute", json_type + "Accept: text/event-stream\r\n", good)
              .status == 200);
    support::WsClient client{engine.port()};
    client.send_json({{"type", "init"},
                      {"language", "bash"},
                      {"version", "*"},
                      {"files", Json::array({{{"content", "kill -9 $$"}}})}});
    client.read_to_close();
    CHECK(client.close_code == 4999);

    const auto jobs = [&](const std::string& verdict) {
        return growth.of("crankcase_jobs_total{" + label + ",verdict=\"" + verdict + "\"}");
    };
    CHECK(jobs("passed") == 4);
    CHECK(jobs("failed") == 1);
    CHECK(jobs("wall_timed_out") == 1);
    CHECK(jobs("signaled") == 1);
    CHECK(growth.of_all("crankcase_jobs_total") == 7);
    CHECK(growth.of("crankcase_stages_total{" + label + ",stage=\"run\",verdict=\"passed\"}") == 4);
    CHECK(growth.of_all("crankcase_pool_leases_total") == 7);
    for (const std::string name : {"job_queue", "job_start", "job_execution"}) {
        CAPTURE(name);
        CHECK(growth.of("crankcase_" + name + "_seconds_count") == 7);
    }
    CHECK(growth.of("crankcase_stage_memory_bytes_count{stage=\"run\"}") == 7);
    CHECK(counts_clean_ups(growth, 7));
    const auto told = scrape(engine);
    CHECK(told.value("crankcase_job_execution_seconds_sum") >= 0.1);
    CHECK(told.sum("crankcase_runners") >= runners);
    CHECK(told.sum("crankcase_runners") <= runners + support::places());
    CHECK(told.value("crankcase_keeper_up") == 1);
    CHECK(told.value("crankcase_connections") >= 1);
    CHECK(told.sum("crankcase_build_info") == 1);
    CHECK(told.value("process_open_fds") > 10);
}

TEST_CASE("a compiler that fails is a stage of its own") {
    EngineProcess engine;
    const Growth growth{engine};
    const auto answer = engine.run("c", "int main( {");
    REQUIRE(answer["compile"]["code"] == 1);
    CHECK(growth.of_all("crankcase_jobs_total") == 1);
    CHECK(growth.of_all("crankcase_stages_total") == 1);
    CHECK(growth.of("crankcase_stage_memory_bytes_count{stage=\"compile\"}") == 1);
    CHECK(growth.of("crankcase_stage_memory_bytes_count{stage=\"run\"}") == 0);
}

TEST_CASE("requests that are refused are counted by reason, and make no labels of their own") {
    EngineProcess engine({"facade.rate_limit=1", "facade.rate_window=1h"});
    const auto lines = scrape(engine).samples.size();
    const Growth growth{engine};
    const auto rejected = [&](const std::string& reason) {
        return growth.of("crankcase_requests_rejected_total{reason=\"" + reason + "\"}");
    };
    for (int i = 0; i < 20; ++i) {
        const Json request{{"language", "evil\"} 1\n" + std::to_string(i)},
                           {"version", "*"},
                           {"files", {{{"content", "x"}}}}};
        CHECK(engine.post("/api/v2/execute", request.dump()).status == 400);
    }
    CHECK(rejected("invalid") == 20);
    CHECK(scrape(engine).samples.size() == lines);
    CHECK(engine.post("/api/v2/execute", "{").status == 400);
    CHECK(rejected("invalid") == 21);
    CHECK(engine.get("/nowhere").status == 404);
    CHECK(rejected("not_found") == 1);
    CHECK(
        engine.ask("POST", "/api/v2/execute", json_type + "Origin: https://evil.example\r\n", good)
            .status == 403);
    CHECK(rejected("origin") == 1);
    CHECK(engine.post("/api/v2/piston/execute", good).status == 200);
    CHECK(engine.post("/api/v2/piston/execute", good).status == 429);
    CHECK(rejected("rate") == 1);
    const auto too_long = "X-Long: " + std::string(20'000, 'x') + "\r\n";
    CHECK(engine.ask("GET", "/healthz", too_long, "").status == 431);
    CHECK(rejected("too_large") == 1);
    CHECK(engine.ask("GET", "/no target", "", "").status == 400);
    CHECK(rejected("malformed") == 1);
    CHECK(rejected("too_slow") == 0);
    CHECK(rejected("too_many") == 0);
    CHECK(growth.of_all("crankcase_jobs_total") == 1);
}

TEST_CASE("whoever is turned away for a full queue is counted") {
    EngineProcess engine({"admission.concurrent_jobs=1", "admission.queued_jobs=1"});
    const Growth growth{engine};
    const std::string sleeping =
        R"({"language":"bash","version":"*","files":[{"content":"sleep 0.5"}]})";
    std::atomic<int> good_ones = 0, refused = 0;
    {
        std::vector<std::jthread> clients;
        for (int i = 0; i < 6; ++i) {
            clients.emplace_back([&] {
                const auto status = engine.post("/api/v2/execute", sleeping).status;
                ++(status == 200 ? good_ones : refused);
            });
        }
    }
    CHECK(good_ones + refused == 6);
    CHECK(growth.of_all("crankcase_jobs_total") == good_ones);
    CHECK(growth.of(R"(crankcase_requests_rejected_total{reason="queue"})") == refused);
}

TEST_CASE("a scrape is whole whatever happens at the time") {
    EngineProcess engine;
    const Growth growth{engine};
    std::atomic<int> answered = 0;
    {
        std::vector<std::jthread> clients;
        for (int i = 0; i < 3; ++i) {
            clients.emplace_back([&](const std::stop_token& stop) {
                while (!stop.stop_requested())
                    if (engine.post("/api/v2/execute", good).status == 200) ++answered;
            });
        }
        for (int i = 0; i < 30; ++i) {
            const auto told = scrape(engine);
            CHECK(told.value("crankcase_job_queue_seconds_count") ==
                  told.sum("crankcase_jobs_total"));
        }
    }
    CHECK(growth.of_all("crankcase_jobs_total") == answered);
}

TEST_CASE("metrics are for this machine, or where there are keys for admins and the token") {
    const std::string token = "0123456789abcdefghijklmn";
    {
        EngineProcess engine({"server.trusted_proxies=127.0.0.1", "metrics.token=" + token});
        const auto status = [&](const std::string& fields) {
            return engine.ask("GET", "/metrics", fields).status;
        };
        const std::string elsewhere = "X-Forwarded-For: 192.0.2.1\r\n";
        CHECK(status("") == 200);
        CHECK(status(elsewhere) == 401);
        CHECK(status(elsewhere + bearer(token)) == 200);
        CHECK(status(elsewhere + bearer(token + "x")) == 401);
        CHECK(status("Origin: https://evil.example\r\n") == 401);
    }
    const support::Scratch keys{std::filesystem::temp_directory_path() /
                                ("crankcase-metrics-keys-" + std::to_string(::getpid()))};
    {
        std::ofstream file{keys.path};
        for (const auto& [name, scopes] :
             {std::pair{"boss", config::Scope::admin}, std::pair{"alice", config::Scope::run}})
            file << config::line_of({.name = name,
                                     .digest = resources::digest_of_key(std::string{name} + "-key"),
                                     .scopes = static_cast<std::uint8_t>(scopes)})
                 << "\n";
    }
    EngineProcess engine({"keys.file=" + keys.path, "metrics.token=" + token});
    const auto status = [&](const std::string& fields) {
        return engine.ask("GET", "/metrics", fields).status;
    };
    CHECK(status("") == 401);
    CHECK(status(bearer("alice-key")) == 403);
    CHECK(status(bearer("boss-key")) == 200);
    CHECK(status(bearer(token)) == 200);
    // It is for reading metrics and nothing else.
    CHECK(engine.ask("POST", "/api/v2/execute", json_type + bearer(token), good).status == 401);
}

TEST_CASE("metrics may be switched off, or have an address of their own") {
    EngineProcess off({"metrics.enabled=no"});
    CHECK(off.get("/metrics").status == 404);

    EngineProcess apart({"metrics.listen=127.0.0.1:25017"});
    CHECK(apart.get("/metrics").status == 404);
    support::HttpClient client{25017};
    client.send(support::get("/metrics"));
    const auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 200);
    CHECK(answer->field("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(support::parse_exposition(answer->body).sum("crankcase_build_info") == 1);
    client.send(support::post("/api/v2/execute", good));
    const auto other = client.read_answer();
    REQUIRE(other);
    CHECK(other->status == 404);
}
