#include <doctest/doctest.h>

#include <string>

#include "api/wire/result.h"
#include "api/wire/runtimes.h"
#include "api/wire/signal_name.h"

namespace {

using engine::StageResult;
using engine::Verdict;
using std::chrono::microseconds;

std::shared_ptr<const engine::Runtime> runtime(const char* language, const char* version) {
    engine::Runtime made;
    made.language = language;
    made.version = version;
    made.aliases = {"py", "py3"};
    return std::make_shared<const engine::Runtime>(made);
}

StageResult stage(Verdict verdict, std::optional<int> code = {}, std::optional<int> signal = {}) {
    StageResult made;
    made.verdict = verdict;
    made.exit_code = code;
    made.signal = signal;
    return made;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("each way to end has Piston's code, signal, status and message") {
    struct Row {
        std::string name;
        StageResult stage;
        wire::Ending expected;
    };
    const Row rows[] = {
        {"exit 0", stage(Verdict::passed, 0), {0, "", "", ""}},
        {"exit 3", stage(Verdict::failed, 3), {3, "", "RE", "Exited with error status 3"}},
        {"crash under a shell",
         stage(Verdict::failed, 139),
         {139, "", "RE", "Exited with error status 139"}},
        {"a signal",
         stage(Verdict::signaled, {}, 11),
         {{}, "SIGSEGV", "SG", "Caught fatal signal 11"}},
        {"a signal without a name",
         stage(Verdict::signaled, {}, 33),
         {{}, "", "SG", "Caught fatal signal 33"}},
        {"wall clock",
         stage(Verdict::wall_timed_out, {}, 9),
         {{}, "SIGKILL", "TO", "Time limit exceeded (wall clock)"}},
        {"ended itself, but late",
         stage(Verdict::wall_timed_out, 0),
         {{}, "SIGKILL", "TO", "Time limit exceeded (wall clock)"}},
        {"CPU time",
         stage(Verdict::cpu_timed_out, {}, 9),
         {{}, "SIGKILL", "TO", "Time limit exceeded"}},
        {"stdout",
         stage(Verdict::too_much_stdout, {}, 9),
         {{}, "SIGKILL", "OL", "stdout length exceeded"}},
        {"stderr",
         stage(Verdict::too_much_stderr, {}, 9),
         {{}, "SIGKILL", "EL", "stderr length exceeded"}},
        {"memory, seen as a code",
         stage(Verdict::out_of_memory, 137),
         {137, "", "RE", "Memory limit exceeded: Exited with error status 137"}},
        {"memory, seen as a signal",
         stage(Verdict::out_of_memory, {}, 9),
         {{}, "SIGKILL", "SG", "Memory limit exceeded: Caught fatal signal 9"}},
        {"memory, survived",
         stage(Verdict::out_of_memory, 0),
         {0, "", "", "Memory limit exceeded: a process was killed"}},
        {"memory, nothing known",
         stage(Verdict::out_of_memory),
         {{}, "SIGKILL", "SG", "Memory limit exceeded"}},
        {"canceled", stage(Verdict::canceled, {}, 9), {{}, "SIGKILL", "SG", "Canceled"}},
        {"our fault", stage(Verdict::broken), {{}, "", "XX", "The sandbox failed"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(wire::ending_of(row.stage) == row.expected);
    }
    auto broken = stage(Verdict::broken);
    broken.message = "The box would not open.";
    CHECK(wire::ending_of(broken).message == "The box would not open.");
}

TEST_CASE("a stage has all ten keys in Piston's order") {
    auto result = stage(Verdict::passed, 0);
    result.output = {.out = "hi \"x\"\n", .err = "e\x1b", .both = "e\x1bhi \"x\"\n"};
    result.memory = config::Bytes{8421376};
    result.cpu_time = microseconds(12345);
    result.wall_time = microseconds(20500);
    CHECK(wire::encode(result) ==
          R"({"signal":null,"stdout":"hi \"x\"\n","stderr":"e\u001b","code":0,)"
          R"("output":"e\u001bhi \"x\"\n","memory":8421376,"message":null,"status":null,)"
          R"("cpu_time":12.345,"wall_time":20.5})");
    CHECK(wire::encode(stage(Verdict::signaled, {}, 6)) ==
          R"({"signal":"SIGABRT","stdout":"","stderr":"","code":null,"output":"","memory":0,)"
          R"("message":"Caught fatal signal 6","status":"SG","cpu_time":0,"wall_time":0})");
}

TEST_CASE("times are milliseconds without trailing junk") {
    struct Row {
        std::int64_t count;
        const char* expected;
    };
    const Row rows[] = {{0, "0"},
                        {1, "0.001"},
                        {10, "0.01"},
                        {1000, "1"},
                        {1500, "1.5"},
                        {3042, "3.042"},
                        {4'019'999, "4019.999"},
                        {-5, "0"},
                        {100'000, "100"}};
    for (const auto& row : rows) {
        CAPTURE(row.count);
        auto result = stage(Verdict::passed, 0);
        result.wall_time = microseconds(row.count);
        CHECK(contains(wire::encode(result), R"("wall_time":)" + std::string(row.expected) + "}"));
    }
}

TEST_CASE("one stream written alone is the combined output") {
    struct Row {
        std::string name;
        engine::Output output;
        const char* combined;
    };
    const Row rows[] = {
        {"stdout alone", {"out", "", ""}, "out"},
        {"stderr alone", {"", "err", ""}, "err"},
        {"both", {"out", "err", "oerrut"}, "oerrut"},
        {"neither", {}, ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto result = stage(Verdict::passed, 0);
        result.output = row.output;
        CHECK(contains(wire::encode(result), R"("output":")" + std::string(row.combined) + "\","));
    }
}

TEST_CASE("output that a limit cut ends on a whole character") {
    struct Row {
        std::string name;
        Verdict verdict;
        engine::Output output;
        const char* expected;
    };
    const Row rows[] = {
        {"stdout cut",
         Verdict::too_much_stdout,
         {"a\xE3\x81", "", ""},
         R"("stdout":"a","stderr":"","code":null,"output":"a")"},
        {"stderr cut",
         Verdict::too_much_stderr,
         {"", "a\xE3\x81", ""},
         R"("stdout":"","stderr":"a","code":null,"output":"a")"},
        {"both cut",
         Verdict::too_much_stdout,
         {"a\xE3", "b\xC3",
          "b\xC3"
          "a\xE3"},
         "\"stdout\":\"a\",\"stderr\":\"b\xEF\xBF\xBD\",\"code\":null,\"output\":\"b\xEF\xBF\xBD"
         "a\""},
        {"not cut but bad",
         Verdict::passed,
         {"a\xE3\x81", "", ""},
         "\"stdout\":\"a\xEF\xBF\xBD\",\"stderr\":\"\",\"code\":0,\"output\":\"a\xEF\xBF\xBD\""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto result = stage(row.verdict);
        result.output = row.output;
        CHECK(contains(wire::encode(result), row.expected));
    }
}

TEST_CASE("a job's answer names its stages, then language and version") {
    const auto python = runtime("python", "v3.11.2");
    const auto passed = stage(Verdict::passed, 0);
    const auto failed = stage(Verdict::failed, 1);
    const auto ok = wire::encode(passed);
    const auto bad = wire::encode(failed);
    const std::string end = R"(,"language":"python","version":"v3.11.2"})";
    struct Row {
        std::string name;
        std::optional<StageResult> compile, run;
        std::string expected;
    };
    const Row rows[] = {
        {"run alone", {}, failed, R"({"run":)" + bad + end},
        {"compiled and run", passed, failed, R"({"compile":)" + ok + R"(,"run":)" + bad + end},
        {"run repeats a failed compile",
         failed,
         {},
         R"({"compile":)" + bad + R"(,"run":)" + bad + end},
        {"nothing ran", {}, {}, R"({"run":)" + wire::encode(stage(Verdict::broken)) + end},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        engine::JobResult result;
        result.runtime = python;
        result.compile = row.compile;
        result.run = row.run;
        CHECK(wire::encode(result) == row.expected);
    }
}

TEST_CASE("runtimes are listed in order, with a package only where it has several languages") {
    engine::Runtime gcc;
    gcc.language = "c++";
    gcc.version = "10.2.0";
    gcc.package = "gcc";
    const engine::Runtimes list{
        {runtime("python", "3.11.2"), std::make_shared<const engine::Runtime>(gcc)}};
    CHECK(wire::encode_runtimes(list) ==
          R"([{"language":"python","version":"3.11.2","aliases":["py","py3"]},)"
          R"({"language":"c++","version":"10.2.0","aliases":[],"runtime":"gcc"}])");
    CHECK(wire::encode_runtimes({}) == "[]");
}

TEST_CASE("signals have the names Piston gives them") {
    struct Row {
        int number;
        std::string name;
    };
    const Row rows[] = {
        {1, "SIGHUP"},      {6, "SIGABRT"},     {7, "SIGBUS"},       {9, "SIGKILL"},
        {11, "SIGSEGV"},    {15, "SIGTERM"},    {16, "SIGSTKFLT"},   {24, "SIGXCPU"},
        {25, "SIGXFSZ"},    {29, "SIGIO"},      {30, "SIGPWR"},      {31, "SIGSYS"},
        {34, "SIGRTMIN"},   {35, "SIGRTMIN+1"}, {49, "SIGRTMIN+15"}, {50, "SIGRTMAX-14"},
        {63, "SIGRTMAX-1"}, {64, "SIGRTMAX"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.number);
        CHECK(wire::signal_name(row.number) == row.name);
        CHECK(wire::signal_number(row.name) == row.number);
    }
    for (const int none : {-1, 0, 32, 33, 65, 1000}) {
        CAPTURE(none);
        CHECK_FALSE(wire::signal_name(none));
    }
    for (const auto* none : {"", "9", "sigkill", "KILL", "SIGKIL", "SIGRTMIN+16"}) {
        CAPTURE(none);
        CHECK_FALSE(wire::signal_number(none));
    }
    int named = 0;
    for (int number = 1; number <= 64; ++number) named += wire::signal_name(number) ? 1 : 0;
    CHECK(named == 62);
}
