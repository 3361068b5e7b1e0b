// A program that was started ahead of its job says what it would have said, to the byte; and jobs
// that are unusual, or come while everything is busy, are served all the same.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "isolate/zygote.h"
#include "tests/support/engine_process.h"
#include "tests/support/exposition.h"
#include "tests/support/pace.h"
#include "tests/support/warm_programs.h"

using support::EngineProcess;
using support::Json;

namespace {

struct Language {
    std::string name, main;
    bool forks = false;
    bool starts_soon = false;  // so that the engine may find a fork no cheaper than a start
};

const Language languages[] = {{"python", "main.py", true}, {"javascript", "main.js"},
                              {"php", "main.php", true},   {"perl", "main.pl", true, true},
                              {"lua", "main.lua"},         {"bash", "main.sh"}};

// With and without programs that stand ready, of all that are asked for here; otherwise the same.
const EngineProcess& warm() {
    static const EngineProcess engine{
        {"warm.parked=12", "warm.zygote=no", "pool.runners=4", "limits.run.disk=4MiB"}};
    return engine;
}
const EngineProcess& forked() {
    static const EngineProcess engine{{"warm.parked=4", "pool.runners=4", "limits.run.disk=4MiB"}};
    return engine;
}
const EngineProcess& cold() {
    static const EngineProcess engine{{"warm.parked=0", "pool.runners=4", "limits.run.disk=4MiB"}};
    return engine;
}

// Of the engine's jobs, those whose program was started ahead, or forked, whichever it does.
double ready_starts(const EngineProcess& engine, const Language& language) {
    double starts = 0;
    const std::string start = &engine == &forked() ? R"(start="fork")" : R"(start="warm")";
    const auto told = support::parse_exposition(engine.get("/metrics").body);
    for (const auto& [name, value] : told.samples)
        if (name.starts_with("crankcase_job_starts_total") &&
            (name.find(start) != name.npos ||
             (language.starts_soon && name.find(R"(start="warm")") != name.npos)))
            starts += value;
    return starts;
}

Json run(const EngineProcess& engine, const Language& language, const std::string& code,
         const std::string& input = {}, const Json& more = Json::object()) {
    Json body{{"language", language.name},
              {"version", "*"},
              {"files", {{{"name", language.main}, {"content", code}}}},
              {"stdin", input}};
    body.update(more);
    return engine.post("/api/v2/execute", body.dump()).json();
}

bool soon(const std::function<bool()>& holds) {
    const auto give_up =
        std::chrono::steady_clock::now() + support::patiently(std::chrono::seconds{30});
    while (!holds()) {
        if (std::chrono::steady_clock::now() > give_up) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return true;
}

// Runs it until a program stood ready for it, or was forked for it.
Json run_ready(const EngineProcess& engine, const Language& language, const std::string& code,
               const std::string& input = {}, Json more = Json::object()) {
    Json answer;
    REQUIRE(soon([&] {
        const auto before = ready_starts(engine, language);
        answer = run(engine, language, code, input, more);
        return ready_starts(engine, language) > before || !answer.contains("run");
    }));
    return answer;
}
Json run_warm(const Language& language, const std::string& code, const std::string& input = {},
              Json more = Json::object()) {
    return run_ready(warm(), language, code, input, std::move(more));
}

// What a client can see of it but times and memory.
std::string seen(const Json& answer) {
    if (!answer.contains("run")) return answer.dump();
    const auto& run = answer["run"];
    return Json{{"stdout", run["stdout"]},
                {"stderr", run["stderr"]},
                {"code", run["code"]},
                {"signal", run["signal"]},
                {"status", run["status"]}}
        .dump(1);
}

}  // namespace

TEST_CASE("a program that stood ready says what it says from a cold start, to the byte") {
    for (const auto& language : languages) {
        const auto programs = support::warm_programs_of(language.name);
        CHECK(programs.size() >= 20);
        for (std::size_t turn = 0; turn < programs.size(); turn += support::every()) {
            const auto& program = programs[turn];
            CAPTURE(language.name);
            CAPTURE(program.name);
            const auto expected = seen(run(cold(), language, program.code, program.input));
            CHECK(seen(run_warm(language, program.code, program.input)) == expected);
            if (!language.forks) continue;
            CHECK(seen(run_ready(forked(), language, program.code, program.input)) == expected);
        }
        MESSAGE(language.name << ": " << programs.size() << " programs"
                              << support::said_of_turns());
    }
}

TEST_CASE("no two jobs share anything that should be a job's own") {
    const Language python{"python", "main.py"};
    const std::string code =
        "import os, random, secrets, ssl, tempfile, uuid\n"
        "print(hash('a'), id(object()), random.random(), secrets.token_hex(8), "
        "ssl.RAND_bytes(8).hex(), uuid.uuid4(), tempfile.mktemp(), sep='\\n')\n"
        "print(sorted(os.listdir('/proc/self/fd')))\n"
        "print(sorted(p for p in os.listdir('/proc') if p.isdigit()))\n"
        "print(sorted(os.listdir('.')), os.listdir('/tmp'))\n";
    constexpr std::size_t forks = isolate::most_forks;  // which have the first two in common
    for (const auto* engine : {&warm(), &forked()}) {
        const bool is_forked = engine == &forked();
        const std::size_t jobs = is_forked ? 2 * forks : 50;
        std::vector<std::set<std::string>> values(7);
        std::set<std::string> surroundings;
        for (std::size_t job = 0; job < jobs; ++job) {
            std::istringstream lines{
                run_ready(*engine, python, code)["run"]["stdout"].get<std::string>()};
            std::string line;
            for (auto& value : values) {
                std::getline(lines, line);
                value.insert(line);
            }
            std::string rest;
            while (std::getline(lines, line)) rest += line + "\n";
            surroundings.insert(rest);
        }
        for (std::size_t value = 0; value < values.size(); ++value) {
            if (value < 2 && is_forked)
                CHECK(values[value].size() >= jobs / forks);
            else
                CHECK(values[value].size() == jobs);
        }
        CHECK(surroundings.size() == 1);
    }
}

void check_that_nothing_stays(const EngineProcess& engine) {
    const Language python{"python", "main.py"};
    const std::string secret = "the quick brown secret of another job";
    run_ready(engine, python, "import sys\nx = '" + secret + "'\nprint(len(x), sys.stdin.read())",
              secret);
    const auto answer = run_ready(
        engine, python,
        "needle = bytes(reversed(b'" + std::string{secret.rbegin(), secret.rend()} +
            "'))\nfound = []\n"
            "with open('/proc/self/maps') as maps, open('/proc/self/mem', 'rb', 0) as memory:\n"
            "    for line in maps:\n"
            "        words = line.split()\n"
            "        if 'r' not in words[1] or words[-1] in ('[vvar]', '[vsyscall]'): continue\n"
            "        begin, end = (int(part, 16) for part in words[0].split('-'))\n"
            "        memory.seek(begin)\n"
            "        try: found.append(memory.read(end - begin).count(needle))\n"
            "        except OSError: pass\n"
            "print(len(found) > 10, sum(found) <= 2)\n");
    CHECK(answer["run"]["stdout"] == "True True\n");
}

TEST_CASE("what an earlier job wrote is nowhere in the memory of a later one") {
    check_that_nothing_stays(warm());
    check_that_nothing_stays(forked());
}

void check_limits(const EngineProcess& engine) {
    const Language python{"python", "main.py"};
    const auto run_warm = [&engine](const Language& language, const std::string& code,
                                    const std::string& input = {}, Json more = Json::object()) {
        return run_ready(engine, language, code, input, std::move(more));
    };
    const auto hello = run_warm(python, "print('hello')");
    CHECK(hello["run"]["cpu_time"] <= hello["run"]["wall_time"].get<double>() * 2 + 5);
    const auto late = run_warm(python, "while True: pass", {}, {{"run_timeout", 700}});
    CHECK(late["run"]["status"] == "TO");
    CHECK(late["run"]["signal"] == "SIGKILL");
    const auto burning =
        run_warm(python, "while True: pass", {}, {{"run_timeout", 3000}, {"run_cpu_time", 500}});
    CHECK(burning["run"]["status"] == "TO");
    const auto greedy = run_warm(python, "x = bytearray(400 << 20)");
    CHECK(greedy["run"]["status"] == "SG");
    const auto loud = run_warm(python, "while True: print('x' * 1000)");
    CHECK(loud["run"]["status"] == "OL");
    const std::string crowd =
        "import os, threading, time\nn = 0\ntry:\n  for i in range(200):\n    "
        "threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); n += 1\nexcept "
        "RuntimeError: pass\nprint(n, flush=True)\nos._exit(0)\n";
    CHECK(run_warm(python, crowd)["run"]["stdout"] == run(cold(), python, crowd)["run"]["stdout"]);
    const auto memory = run_warm(python, "x = bytearray(50 << 20)")["run"]["memory"].get<double>();
    CHECK(memory > 50 << 20);
    CHECK(memory < 90 << 20);
}

TEST_CASE("what is limited and counted is the job, not the wait for it") {
    check_limits(warm());
    check_limits(forked());
}

// The gate is a file more among the mappings of what stood ready (tests/warm/README.md).
TEST_CASE("the tests of a program that is graded are run by what stands ready, each by its own") {
    const std::string code =
        "import os\n"
        "print('gate' in open('/proc/self/maps').read(), input(), os.path.exists('left'))\n"
        "open('left', 'w')\n";
    const Json tests = {{{"stdin", "one\n"}, {"expected_output", "True one False"}},
                        {{"stdin", "two\n"}, {"expected_output", "True two False"}},
                        {{"stdin", "two\n"}, {"expected_output", "True one False"}}};
    Json verdicts;
    CHECK(soon([&] {
        const auto answer = run(forked(), languages[0], code, {}, {{"tests", tests}});
        verdicts.clear();
        for (const auto& test : answer["tests"]) verdicts.push_back(test["verdict"]);
        return verdicts == Json{"accepted", "accepted", "wrong_answer"};
    }));
    CAPTURE(verdicts.dump());
}

TEST_CASE("jobs that nothing stands ready for are served, and wrong ones are told so") {
    const Language python{"python", "main.py"};
    run_warm(python, "print(1)");
    CHECK(run(warm(), python, "import sys; print(sys.argv[1:])", {},
              {{"args", {"a", "b"}}})["run"]["stdout"] == "['a', 'b']\n");
    const auto files = [](const std::string& other) {
        return Json{{"files",
                     {{{"name", "main.py"}, {"content", "import other; print(other.x)"}},
                      {{"name", other}, {"content", "x = 5"}}}}};
    };
    CHECK(run_warm(python, {}, {}, files("other.py"))["run"]["stdout"] == "5\n");
    const auto too_much = Json{{"language", "python"},
                               {"version", "*"},
                               {"files",
                                {{{"name", "main.py"}, {"content", "print(1)"}},
                                 {{"name", "data"}, {"content", std::string(5 << 20, 'x')}}}}}
                              .dump();
    for (int turn = 0; turn < 5; ++turn) {
        const auto refused = warm().post("/api/v2/execute", too_much);
        CHECK(refused.status == 400);
        CHECK(refused.json() == cold().post("/api/v2/execute", too_much).json());
    }
    CHECK(run_warm(python, "print(3)")["run"]["stdout"] == "3\n");
}

void check_killing(const EngineProcess& engine) {
    const Language python{"python", "main.py"};
    run_ready(engine, python, "print(1)");
    std::atomic<bool> ends = false;
    std::thread killer{[&] {
        while (!ends) {
            for (const auto pid : engine.pids_of("python3")) ::kill(pid, SIGKILL);
            std::this_thread::sleep_for(std::chrono::milliseconds{300});
        }
    }};
    // Programs that run are killed as well: their answers say so. None is lost, none is another's.
    int killed = 0;
    for (int number = 0; number < 200; ++number) {
        const auto text = std::to_string(number);
        const auto answer = run(engine, python, "print(" + text + ")");
        if (answer["run"]["signal"] == "SIGKILL") {
            ++killed;
            continue;
        }
        CHECK(answer["run"]["stdout"] == text + "\n");
        CHECK(answer["run"]["code"] == 0);
    }
    ends = true;
    killer.join();
    CHECK(killed < 100);
    CHECK(run_ready(engine, python, "print(2)")["run"]["stdout"] == "2\n");
    MESSAGE(killed << " of 200 were killed while they ran");
}

TEST_CASE("killing what stands ready changes no answer") {
    check_killing(warm());
    check_killing(forked());
}
