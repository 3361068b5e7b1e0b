// A compiler that was started ahead of its job says and leaves what it would have from a cold
// start, to the byte; and what was compiled before takes none.
#include <doctest/doctest.h>
#include <glob.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/engine_process.h"
#include "tests/support/exposition.h"
#include "tests/support/pace.h"
#include "tests/support/warm_programs.h"

using support::EngineProcess;
using support::Json;

namespace {

const EngineProcess& warm() {
    static const EngineProcess engine{{"warm.parked=2", "pool.runners=4", "compile.cache=0"}};
    return engine;
}
const EngineProcess& cold() {
    static const EngineProcess engine{{"warm.parked=0", "pool.runners=4", "compile.cache=0"}};
    return engine;
}

// The class that scripts/setup makes of the newest JDK's compiler; without it nothing of Java is
// started ahead.
bool has_java() {
    glob_t found{};
    const bool is_there =
        ::glob("/usr/local/lib/crankcase/javac-*/Compile.class", 0, nullptr, &found) == 0;
    ::globfree(&found);
    if (!is_there) MESSAGE("there is no JDK that scripts/setup has prepared");
    return is_there;
}

double samples(const EngineProcess& engine, const std::string& start) {
    double sum = 0;
    const auto told = support::parse_exposition(engine.get("/metrics").body);
    for (const auto& [name, value] : told.samples)
        if (name.starts_with("crankcase_job_starts_total") &&
            name.find("start=\"" + start + "\"") != name.npos)
            sum += value;
    return sum;
}

Json request(const std::string& name, const std::string& code, const std::string& input = {}) {
    return {{"language", "java"},
            {"version", "17"},
            {"files", {{{"name", name}, {"content", code}}}},
            {"stdin", input}};
}

Json run(const EngineProcess& engine, const Json& body) {
    return engine.post("/api/v2/execute", body.dump()).json();
}

// Runs it until a compiler stood ready for it.
Json run_ready(const EngineProcess& engine, const Json& body) {
    const auto give_up =
        std::chrono::steady_clock::now() + support::patiently(std::chrono::seconds{60});
    for (;;) {
        const auto before = samples(engine, "warm");
        auto answer = run(engine, body);
        if (samples(engine, "warm") > before || !answer.contains("compile")) return answer;
        REQUIRE(std::chrono::steady_clock::now() < give_up);
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
}

// What a client can see of it but times and memory.
std::string seen(const Json& answer) {
    if (!answer.contains("compile")) return answer.dump();
    Json result;
    for (const auto* const stage : {"compile", "run"}) {
        if (!answer.contains(stage)) continue;
        for (const auto* const part : {"stdout", "stderr", "code", "signal", "status"})
            result[stage][part] = answer[stage][part];
    }
    return result.dump(1);
}

const std::string greeting =
    "public class Main { public static void main(String[] args) { System.out.println(\"hello \" + "
    "String.join(\" \", args)); } }\n";

}  // namespace

TEST_CASE("a compiler that stood ready says what it says from a cold start, to the byte") {
    if (!has_java()) return;
    const auto programs = support::warm_programs_of("java");
    CHECK(programs.size() >= 20);
    for (std::size_t turn = 0; turn < programs.size(); turn += support::every()) {
        const auto& program = programs[turn];
        CAPTURE(program.name);
        const auto body = request("Main.java", program.code, program.input);
        const auto expected = run(cold(), body);
        CHECK(expected.contains("compile"));
        CHECK(seen(run_ready(warm(), body)) == seen(expected));
    }
    MESSAGE("java: " << programs.size() << " programs" << support::said_of_turns());
}

TEST_CASE("files of any name are compiled by one that stood ready as by any other") {
    if (!has_java()) return;
    auto several = request("Main.java",
                           "class Main { public static void main(String[] a) { "
                           "System.out.println(Util.text()); } }");
    several["files"].push_back({{"name", "lib/other.txt"}, {"content", "no code"}});
    several["files"].push_back(
        {{"name", "Util.java"},
         {"content", "class Util { static String text() { return \"u\"; } }"}});
    auto with_arguments = request("Main.java", greeting);
    with_arguments["args"] = {"a", "@b", "-c", "d e"};
    const std::vector<Json> bodies{several,
                                   request("prog.code", greeting),
                                   request("prog", greeting),
                                   request("prog.py", greeting),
                                   request("source/Program.java", greeting),
                                   request("-x.java", greeting),
                                   request("@x.java", greeting),
                                   with_arguments};
    for (std::size_t turn = 0; turn < bodies.size(); turn += support::every()) {
        const auto& body = bodies[turn];
        CAPTURE(body.dump());
        CHECK(seen(run_ready(warm(), body)) == seen(run(cold(), body)));
    }
}

TEST_CASE("what is limited and counted of a compile stage is the job, not the wait for it") {
    if (!has_java()) return;
    const auto body = request("Main.java", greeting);
    const auto ready = run_ready(warm(), body)["compile"];
    const auto usual = run(cold(), body)["compile"];
    CHECK(ready["cpu_time"].get<double>() < usual["cpu_time"].get<double>());
    CHECK(ready["cpu_time"].get<double>() <= ready["wall_time"].get<double>() * 2 + 5);
    auto greedy = body;
    greedy["compile_timeout"] = 1;
    CHECK(run_ready(warm(), greedy)["compile"]["status"] == "TO");
}

TEST_CASE("what was compiled before takes no compiler that stands ready, and is the same") {
    if (!has_java()) return;
    const EngineProcess engine{{"warm.parked=1", "pool.runners=4"}};
    int number = 0;
    Json first, body;
    // Each is another program, or the result of the one before would be taken.
    const auto before = samples(engine, "warm");
    for (int turn = 0; turn < 600 && samples(engine, "warm") == before; ++turn) {
        body = request("Main.java", greeting + "// " + std::to_string(++number) + "\n");
        first = run(engine, body);
        std::this_thread::sleep_for(std::chrono::milliseconds{100});
    }
    const auto ready = samples(engine, "warm");
    REQUIRE(ready > before);
    const auto again = run(engine, body);
    CHECK(samples(engine, "warm") == ready);
    CHECK(seen(again) == seen(first));
    CHECK(again["compile"]["wall_time"] == first["compile"]["wall_time"]);
    CHECK(seen(first) == seen(run(cold(), body)));
}
