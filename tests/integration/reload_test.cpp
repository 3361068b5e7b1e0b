// SIGHUP: toolchains are looked for again while jobs run on.
#include <doctest/doctest.h>
#include <signal.h>

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
