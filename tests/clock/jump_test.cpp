// The machine's clock is set while jobs run and rates are counted, and nothing may go by it. For
// the lab's guest alone, whose clock is nobody's: scripts/lab run -- build/dev/bin/clock_tests
#include <doctest/doctest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "api/resources/key_ring.h"
#include "config/keys.h"
#include "tests/support/engine_process.h"
#include "tests/support/http_client.h"

namespace {

using support::EngineProcess;
using support::Json;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

// The time of day, moved by hours; right again when this goes.
class TimeOfDay {
public:
    TimeOfDay() : began_(Steady::now()) {
        // Of a machine in use it must not be touched.
        REQUIRE_MESSAGE(std::getenv("LAB_SHARE") != nullptr,
                        "this is for the guest of scripts/lab");
        REQUIRE(::clock_gettime(CLOCK_REALTIME, &at_begin_) == 0);
    }
    TimeOfDay(const TimeOfDay&) = delete;
    TimeOfDay& operator=(const TimeOfDay&) = delete;
    ~TimeOfDay() { move(0h); }

    void move(std::chrono::hours by) const {
        const auto passed =
            std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - began_);
        auto time = at_begin_;
        time.tv_sec += passed.count() + std::chrono::seconds{by}.count();
        CHECK(::clock_settime(CLOCK_REALTIME, &time) == 0);
    }

private:
    timespec at_begin_{};
    Steady::time_point began_;
};

// There and back, further than any limit here.
constexpr std::chrono::hours jumps[] = {1h, -1h, 0h};

template <typename Condition>
bool soon(Condition condition) {
    const auto give_up = Steady::now() + 60s;
    while (!condition()) {
        if (Steady::now() > give_up) return false;
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

// One job on a thread of its own, and how long it took by the clock that nobody sets.
struct Ran {
    Json run;
    long long milliseconds = 0;
};

Ran timed(const EngineProcess& engine, const std::string& code, const Json& limits) {
    Json request{{"language", "bash"}, {"version", "*"}, {"files", {{{"content", code}}}}};
    request.update(limits);
    const auto began = Steady::now();
    const auto answer = engine.post("/api/v2/execute", request.dump()).json();
    const auto took = std::chrono::ceil<std::chrono::milliseconds>(Steady::now() - began);
    return {answer.is_object() ? answer.value("run", answer) : Json::object(), took.count()};
}

std::string key_line(const std::string& name, const std::string& key, const std::string& rate) {
    const auto line = config::line_of({.name = name, .digest = resources::digest_of_key(key)});
    return line.substr(0, line.find(" scopes=")) + " " + rate + "\n";
}

std::time_t date_of(const support::RawAnswer& answer) {
    std::tm parts{};
    const auto text = answer.field("Date");
    if (::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &parts) == nullptr) return 0;
    return ::timegm(&parts);
}

}  // namespace

TEST_CASE("a jump of the clock ends no job early, none late, and is in no measured time") {
    const TimeOfDay clock;
    const EngineProcess engine{{"limits.run.wall_time=2m", "limits.run.cpu_time=2m"}};
    Ran lasting, endless, busy;
    {
        const std::jthread first{[&] {
            lasting = timed(engine, "sleep 4; echo sings", {{"run_timeout", 100'000}});
        }};
        const std::jthread second{[&] {
            endless = timed(engine, "sleep 600", {{"run_timeout", 6'000}});
        }};
        const std::jthread third{[&] {
            busy = timed(engine, "while :; do :; done",
                         {{"run_timeout", 100'000}, {"run_cpu_time", 3'000}});
        }};
        CHECK(soon([&] { return engine.pids_of("sleep").size() == 2; }));
        for (const auto hours : jumps) {
            clock.move(hours);
            std::this_thread::sleep_for(500ms);
        }
    }
    CAPTURE(lasting.run.dump());
    CHECK(lasting.run["stdout"] == "sings\n");
    CHECK(lasting.run["code"] == 0);
    CHECK(lasting.run["wall_time"] >= 4'000);
    CHECK(lasting.run["wall_time"] <= lasting.milliseconds);
    CAPTURE(endless.run.dump());
    CHECK(endless.run["status"] == "TO");
    CHECK(endless.run["signal"] == "SIGKILL");
    CHECK(endless.run["wall_time"] >= 6'000);
    CHECK(endless.run["wall_time"] <= endless.milliseconds);
    CAPTURE(busy.run.dump());
    CHECK(busy.run["status"] == "TO");
    CHECK(busy.run["cpu_time"] >= 3'000);
    CHECK(busy.run["cpu_time"] <= busy.milliseconds);
}

TEST_CASE("a jump of the clock fills no rate, and empties none for an hour") {
    const TimeOfDay clock;
    const support::Scratch keys{"/tmp/ck-clock-keys" + std::to_string(::getpid())};
    std::ofstream{keys.path} << key_line("slow", "slow-key", "rate=1/h burst=2")
                             << key_line("quick", "quick-key", "rate=2/s burst=1");
    const EngineProcess engine{{"keys.file=" + keys.path, "keys.required=no", "facade.rate_limit=1",
                                "facade.rate_window=10m", "facade.v1_rate_limit=1",
                                "facade.v1_rate_window=500ms"}};
    const auto of_facade = [&](const std::string& path, const std::string& body) {
        return engine.ask("POST", path, "Content-Type: application/json\r\n", body).status;
    };
    const auto v2 = [&] {
        return of_facade("/api/v2/piston/execute",
                         R"({"language":"bash","version":"*","files":[{"content":"echo hi"}]})");
    };
    const auto v1 = [&] {
        return of_facade("/api/v1/piston/execute", R"({"language":"bash","source":"echo hi"})");
    };
    CHECK(engine.status_with_key("slow-key") == 200);
    CHECK(engine.status_with_key("slow-key") == 200);
    CHECK(v2() == 200);
    for (const auto hours : jumps) {
        CAPTURE(hours.count());
        clock.move(hours);
        CHECK(engine.status_with_key("slow-key") == 429);
        CHECK(v2() == 429);
        // What is short comes round again, whichever way the clock went.
        CHECK(soon([&] { return engine.status_with_key("quick-key") == 200; }));
        CHECK(soon([&] { return v1() == 200; }));
    }
}

TEST_CASE("a jump of the clock throws nobody out of the queue, and cuts no idle client") {
    const TimeOfDay clock;
    const EngineProcess engine{{"admission.concurrent_jobs=1", "limits.run.wall_time=2m"}};
    support::HttpClient idle{engine.port()};
    idle.patience = 60s;
    const auto date = [&] {
        idle.send(support::get("/healthz"));
        const auto answer = idle.read_answer();
        REQUIRE(answer);
        CHECK(answer->status == 200);
        return date_of(*answer);
    };
    const auto before = date();
    std::vector<Ran> ran(4);
    {
        std::vector<std::jthread> clients;
        for (auto& one : ran) {
            clients.emplace_back([&] {
                one = timed(engine, "sleep 1; echo sings", {{"run_timeout", 100'000}});
            });
        }
        CHECK(soon([&] { return !engine.pids_of("sleep").empty(); }));
        // The control: the engine does see another time of day.
        clock.move(1h);
        CHECK(date() - before > 3'000);
        clock.move(-1h);
        CHECK(date() - before < -3'000);
        clock.move(0h);
    }
    for (const auto& one : ran) {
        CAPTURE(one.run.dump());
        REQUIRE(one.run.contains("wall_time"));
        CHECK(one.run["stdout"] == "sings\n");
        CHECK(one.run["wall_time"] <= one.milliseconds);
    }
    date();
}
