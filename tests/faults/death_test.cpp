// kill -9 of anything at any moment: nothing stays, and the next job is right.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/engine_process.h"
#include "tests/support/pace.h"

using support::EngineProcess;
using namespace std::chrono_literals;

namespace {

// Clients that keep the engine busy with all sorts of jobs. Answers may be errors while something
// is being killed; an answer that claims success must be right.
class Load {
public:
    explicit Load(const EngineProcess& engine) {
        for (int i = 0; i < 4; ++i) {
            clients_.emplace_back([&engine, this, i](const std::stop_token& stop) {
                for (int n = i; !stop.stop_requested(); n += 4) ask(engine, n);
            });
        }
    }

    void stop() { clients_.clear(); }
    int wrong() const { return wrong_; }
    const std::string& last_wrong() const { return last_wrong_; }

private:
    void ask(const EngineProcess& engine, int n) {
        const auto nonce = std::to_string(n);
        const char* body = n % 3 == 0   ? "sleep 0.1; echo $1"
                           : n % 3 == 1 ? "head -c 100000 /dev/zero | wc -c >/dev/null; echo $1"
                                        : "echo $1";
        const support::Json request{{"language", "bash"},
                                    {"version", "*"},
                                    {"args", {nonce}},
                                    {"files", {{{"content", body}}}}};
        const auto answer = engine.post("/api/v2/execute", request.dump());
        if (answer.status == 0) std::this_thread::sleep_for(5ms);
        if (answer.status != 200) return;
        const auto run = answer.json()["run"];
        if (run["stdout"] == nonce + "\n" && run["code"] == 0) {
            ++right_;
        } else {
            ++wrong_;
            const std::lock_guard lock{mutex_};
            last_wrong_ = answer.body;
        }
    }

    std::atomic<int> wrong_{0}, right_{0};
    std::mutex mutex_;
    std::string last_wrong_;
    std::vector<std::jthread> clients_;
};

bool sings(const EngineProcess& engine) {
    return engine.run("bash", "echo sings")["run"]["stdout"] == "sings\n";
}

// Of so many rounds those that this machine has time for. Rounds are alike but for who is killed
// and at which moment: every kind of process comes up, and both ends of the start.
int rounds_of(int all) {
    constexpr int at_least = 6;  // as many as there are kinds
    return std::max(at_least, all / static_cast<int>(support::every()));
}

bool sings_soon(const EngineProcess& engine) {
    const auto give_up = std::chrono::steady_clock::now() + support::patiently(10s);
    while (std::chrono::steady_clock::now() < give_up) {
        const support::Json request{
            {"language", "bash"}, {"version", "*"}, {"files", {{{"content", "echo sings"}}}}};
        const auto answer = engine.post("/api/v2/execute", request.dump());
        if (answer.status == 200) return answer.json()["run"]["stdout"] == "sings\n";
        std::this_thread::sleep_for(10ms);
    }
    return false;
}

}  // namespace

TEST_CASE("after SIGTERM nothing of the engine is left on the host") {
    EngineProcess engine;
    CHECK(sings(engine));
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}

TEST_CASE("the death of the keeper is said, survived without a restart, and leaves nothing") {
    EngineProcess engine;
    for (int round = 0; round < 3; ++round) {
        const auto keepers = engine.pids_of("keeper");
        REQUIRE(keepers.size() == 1);
        ::kill(keepers[0], SIGKILL);
        REQUIRE(engine.wait_for_log("keeper_gone", round + 1));
        REQUIRE(engine.wait_until_ready());
        CHECK(sings(engine));
    }
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}

TEST_CASE(
    "killed at random moments under load, daemon, keeper, init and jobs leave nothing behind") {
    constexpr unsigned seed = 20261121;
    CAPTURE(seed);
    std::mt19937 random{seed};
    const char* victims[] = {"guard", "server", "keeper", "init", "spawner", "sleep"};
    EngineProcess engine;
    const int rounds = rounds_of(120);
    int killed = 0;
    for (int round = 0; round < rounds; ++round) {
        const std::string victim = victims[static_cast<std::size_t>(round) % std::size(victims)];
        CAPTURE(round);
        CAPTURE(victim);
        Load load{engine};
        std::this_thread::sleep_for(std::chrono::milliseconds{random() % 300});
        if (victim == "guard") {
            engine.kill_hard();
            ++killed;
        } else if (const auto pids = engine.pids_of(victim); !pids.empty()) {
            ::kill(pids[random() % pids.size()], SIGKILL);
            ++killed;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{random() % 200});
        load.stop();
        CAPTURE(load.last_wrong());
        // A job that was killed itself has every right to an odd answer; the others have not.
        if (victim != "sleep") CHECK(load.wrong() == 0);
        if (victim == "guard" || victim == "server") {
            if (victim == "server") engine.stop();
            CHECK(engine.left_behind() == "");
            engine.start();
        }
        // A runner may have died unnoticed a moment ago: the engine may then fail one job,
        // honestly.
        REQUIRE(engine.wait_until_ready());
        CHECK(sings_soon(engine));
    }
    CHECK(killed >= rounds * 3 / 4);
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
    MESSAGE("under load: ", killed, " kills in ", rounds, " of 120 rounds");
}

TEST_CASE(
    "killed again while it starts and sweeps what the first kill left, an engine leaves nothing") {
    constexpr unsigned seed = 20261122;
    CAPTURE(seed);
    std::mt19937 random{seed};
    EngineProcess engine;
    const int rounds = rounds_of(20);
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        Load load{engine};
        std::this_thread::sleep_for(std::chrono::milliseconds{random() % 50});
        // With the keeper gone first nobody sweeps, and the next start has it all to do.
        for (const auto keeper : engine.pids_of("keeper")) ::kill(keeper, SIGKILL);
        engine.kill_hard();
        load.stop();
        engine.launch();
        std::this_thread::sleep_for(std::chrono::milliseconds{random() % 120});
        if (round % 2 == 0) {
            for (const auto keeper : engine.pids_of("keeper")) ::kill(keeper, SIGKILL);
        }
        engine.kill_hard();
        engine.start();
        CHECK(sings(engine));
        CHECK(load.wrong() == 0);
    }
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
    MESSAGE("while it starts: ", rounds, " of 20 rounds");
}

TEST_CASE("a second engine of the same name is refused and does not touch the first") {
    EngineProcess engine;
    const auto same = "paths.run_directory=/tmp/" + engine.instance() + "/run";
    CHECK_THROWS_WITH_AS(EngineProcess({"instance=" + engine.instance(), same}),
                         doctest::Contains("another engine uses"), std::runtime_error);
    CHECK(sings(engine));
}

TEST_CASE("a client that goes away takes its job with it") {
    EngineProcess engine;
    std::jthread client{[&] {
        support::abandon(
            engine.port(),
            R"({"language":"bash","version":"*","files":[{"content":"sleep 60"}],"run_timeout":3000})",
            300ms);
    }};
    client.join();
    const auto give_up = std::chrono::steady_clock::now() + support::patiently(2s);
    while (!engine.pids_of("sleep").empty() && std::chrono::steady_clock::now() < give_up)
        std::this_thread::sleep_for(10ms);
    CHECK(engine.pids_of("sleep").empty());
    CHECK(engine.wait_for_log("verdict=canceled", 1));
}
