// What the dialects make of requests and results, without a socket.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <exception>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "api/dialects/base64_jobs.h"
#include "api/dialects/code_executor.h"
#include "api/dialects/fastapi.h"
#include "api/dialects/mini_piston.h"
#include "api/dialects/python_text.h"
#include "isolate/sys/error.h"
#include "tests/support/mutation.h"

using engine::Verdict;
using Json = nlohmann::ordered_json;
using namespace config::literals;
using namespace std::chrono_literals;

namespace {

const engine::Runtimes& runtimes() {
    static const auto list = [] {
        engine::Runtimes all;
        const auto add = [&](std::string language, std::vector<std::string> aliases,
                             std::string version, bool compiled) {
            engine::Runtime runtime;
            runtime.language = std::move(language);
            runtime.version = std::move(version);
            runtime.aliases = std::move(aliases);
            if (compiled) runtime.compile = packages::Script{};
            all.all.push_back(std::make_shared<const engine::Runtime>(std::move(runtime)));
        };
        add("python", {"py"}, "3.9.1", false);
        add("python", {"py"}, "3.11.2", false);
        add("c++", {"cpp"}, "12.2.0", true);
        add("java", {}, "17.0.1", true);
        return all;
    }();
    return list;
}

engine::StageResult stage(Verdict verdict, std::optional<int> code, std::string out,
                          std::string err) {
    engine::StageResult result;
    result.verdict = verdict;
    result.exit_code = code;
    result.output = {std::move(out), std::move(err), ""};
    result.wall_time = 1500ms;
    result.memory = 5_MiB;
    return result;
}

engine::JobResult ran(engine::StageResult run, config::Milliseconds time = 30s) {
    engine::JobResult result;
    result.runtime = runtimes().all.front();
    result.run = std::move(run);
    result.total_time = time;
    return result;
}

// The answer to what a call throws; empty if it throws nothing.
template <typename Call>
wire::Problem problem_of(Call call,
                         wire::Problem (*encode)(const std::exception&, std::string_view)) {
    try {
        call();
    } catch (const std::exception& error) {
        return encode(error, "id");
    }
    return {0, ""};
}

engine::Job base64(const std::string& body) {
    return dialects::decode_base64_job(body, runtimes(), {});
}

engine::Job executor(const std::string& body) {
    return dialects::job_of(dialects::decode_code_executor(body), runtimes(), {});
}

engine::Job mini(const std::string& body) {
    return dialects::decode_mini_job(body, runtimes());
}

}  // namespace

TEST_CASE("mini-piston runs the newest version of a language, with the runtime's own limits") {
    const auto job = mini(R"({"language":"py","code":"p = 1","stdin":"a","version":"1"})");
    CHECK(job.runtime->version == "3.11.2");
    CHECK(job.limits == job.runtime->limits);
    CHECK(job.stdin_text == "a");
    CHECK(job.files.front().content == "p = 1");
}

TEST_CASE("mini-piston refuses what it cannot run with a message") {
    struct Row {
        const char *body, *message;
    };
    const Row rows[] = {
        {"", "language is required as a string"},
        {"{}", "language is required as a string"},
        {R"({"language":null,"code":"x"})", "language is required as a string"},
        {R"({"language":"","code":"x"})", "language is required as a string"},
        {R"({"language":5,"code":"x"})", "language is required as a string"},
        {R"({"language":"python"})", "code is required as a string"},
        {R"({"language":"python","code":["x"]})", "code is required as a string"},
        {R"({"language":"python","code":"x","stdin":5})", "stdin must be a string"},
        {R"({"language":"latin","code":"x"})", "language latin is unknown"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.body);
        const auto answer = problem_of([&] { mini(row.body); }, wire::problem_of);
        CHECK(answer.status == 400);
        CHECK(Json::parse(answer.body) == Json{{"message", row.message}});
    }
    for (const auto* const body : {"{", "[]", "5", "\"x\"", "{\"language\":"}) {
        CAPTURE(body);
        CHECK(problem_of([&] { mini(body); }, wire::problem_of).status == 400);
    }
}

TEST_CASE("mini-piston answers with one stage, that of the compiler if it failed") {
    CHECK(dialects::encode_mini_job(ran(stage(Verdict::passed, 0, "o", "e"))) ==
          R"({"language":"python","run":{"stdout":"o","stderr":"e","output":"o","code":0,)"
          R"("signal":null}})");
    auto refused = ran(stage(Verdict::failed, 1, "", "error"));
    refused.compile = std::exchange(refused.run, std::nullopt);
    CHECK(dialects::encode_mini_job(refused) ==
          R"({"language":"python","run":{"stdout":"","stderr":"error","output":"error","code":1,)"
          R"("signal":null}})");
    const auto killed = dialects::encode_mini_job(ran(stage(Verdict::wall_timed_out, {}, "", "")));
    CHECK(Json::parse(killed)["run"]["code"] == nullptr);
    CHECK(Json::parse(killed)["run"]["signal"] == "SIGKILL");
}

TEST_CASE("base64-jobs holds a job to one time, its memory, disk and share of a processor") {
    const auto job = base64(
        R"({"language":"cpp","code":"aW50IMOk","stdin":"YQo=","timeout":5,"more":[{"x":1}]})");
    CHECK(job.files.front().name == "solution.cpp");
    CHECK(job.files.front().content == "int \xc3\xa4");
    CHECK(job.stdin_text == "a\n");
    CHECK(job.total_time == 5s);
    CHECK(job.limits.run.memory == 256_MiB);
    CHECK(job.limits.run.disk == 64_MiB);
    CHECK(job.limits.run.cpu_percent == 50);
    CHECK(job.limits.compile.cpu_percent == 50);
    CHECK(job.limits.compile.memory == job.runtime->limits.compile.memory);
    CHECK(job.limits.run.processes == job.runtime->limits.run.processes);
    CHECK(base64(R"({"language":"java","code":""})").files.front().name == "Solution.java");
}

TEST_CASE("base64-jobs takes any timeout, and none beyond its own counts") {
    struct Row {
        const char* timeout;
        std::chrono::seconds expected;
    };
    const Row rows[] = {
        {"1", 1s},         {"30", 30s},
        {"31", 30s},       {"0", 30s},
        {"-5", 30s},       {"null", 30s},
        {"7.0", 7s},       {R"("7")", 7s},
        {R"(" 7 ")", 7s},  {"true", 1s},
        {"1e300", 30s},    {"99999999999999999999", 30s},
        {R"("7.00")", 7s}, {"9223372036854775807", 30s},
    };
    for (const auto& row : rows) {
        CAPTURE(row.timeout);
        const std::string body =
            R"({"language":"python","code":"","timeout":)" + std::string{row.timeout} + "}";
        // What is no number of JSON's parser is no JSON either.
        if (std::string{row.timeout} == "99999999999999999999") {
            CHECK_THROWS_AS(base64(body), sys::Error);
        } else {
            CHECK(base64(body).total_time == row.expected);
        }
    }
    CHECK(base64(R"({"language":"python","code":""})").total_time == 30s);
}

TEST_CASE("base64-jobs complains as FastAPI does, of all fields at once") {
    struct Row {
        const char* body;
        int status;
        Json detail;
    };
    const auto field = [](const char* name, const char* message, const char* type) {
        Json location{"body"};
        if (*name) location.push_back(name);
        return Json{{"type", type}, {"loc", location}, {"msg", message}};
    };
    const auto language_required = field("language", "Field required", "missing");
    const auto code_required = field("code", "Field required", "missing");
    const Row rows[] = {
        {"{}", 422, Json::array({language_required, code_required})},
        {"", 422, Json::array({field("", "Field required", "missing")})},
        {"{", 422, Json::array({field("", "JSON decode error", "json_invalid")})},
        {"[]", 422,
         Json::array(
             {field("", "Input should be a valid dictionary or object to extract fields from",
                    "model_attributes_type")})},
        {R"({"language":null,"code":5,"stdin":[],"timeout":{}})", 422,
         Json::array({field("language", "Input should be a valid string", "string_type"),
                      field("code", "Input should be a valid string", "string_type"),
                      field("stdin", "Input should be a valid string", "string_type"),
                      field("timeout", "Input should be a valid integer", "int_type")})},
        {R"({"language":"python","code":"","timeout":"x"})", 422,
         Json::array({field("timeout",
                            "Input should be a valid integer, unable to parse string as an integer",
                            "int_parsing")})},
        {R"({"language":"python","code":"","timeout":1.5})", 422,
         Json::array({field("timeout",
                            "Input should be a valid integer, got a number with a fractional part",
                            "int_from_float")})},
        {R"({"language":"ruby","code":""})", 400,
         "Unsupported language: ruby. Supported: ['python', 'cpp', 'java']"},
        {R"({"language":"javascript","code":""})", 400,
         "Unsupported language: javascript. Supported: ['python', 'cpp', 'java']"},
        {R"({"language":"python","code":"abc"})", 400,
         "Invalid base64 encoded code or stdin: Incorrect padding"},
        {R"({"language":"python","code":"","stdin":"/w=="})", 400,
         "Invalid base64 encoded code or stdin: 'utf-8' codec can't decode byte 0xff in position "
         "0: invalid start byte"},
        {R"({"language":"python","code":"\u00e4"})", 400,
         "Invalid base64 encoded code or stdin: string argument should contain only ASCII "
         "characters"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.body);
        const auto answer = problem_of([&] { base64(row.body); }, dialects::fastapi_problem_of);
        CHECK(answer.status == row.status);
        CHECK(Json::parse(answer.body) == Json{{"detail", row.detail}});
    }
    const auto broken = dialects::fastapi_problem_of(std::runtime_error{"/secret"}, "17");
    CHECK(broken == wire::Problem{500, R"({"detail":"Internal error: 17"})"});
}

TEST_CASE("base64 and UTF-8 are read as Python reads them") {
    struct Row {
        const char *base64, *bytes, *complaint;
    };
    const Row rows[] = {
        {"", "", ""},
        {"aGk=", "hi", ""},
        {"aGkh", "hi!", ""},
        {"a G\nk!=-_", "hi", ""},
        {"aGk=aGk=", "hi", ""},
        {"aA==", "h", ""},
        {"=aGk=", "hi", ""},
        {"aGk", "", "Incorrect padding"},
        {"aA=", "", "Incorrect padding"},
        {"aA", "", "Incorrect padding"},
        {"a", "",
         "Invalid base64-encoded string: number of data characters (1) cannot be 1 more than a "
         "multiple of 4"},
        {"aGkha", "",
         "Invalid base64-encoded string: number of data characters (5) cannot be 1 more than a "
         "multiple of 4"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.base64);
        if (*row.complaint) {
            CHECK_THROWS_WITH_AS(dialects::b64decode(row.base64), row.complaint, sys::Error);
        } else {
            CHECK(dialects::b64decode(row.base64) == row.bytes);
        }
    }
    const Row texts[] = {
        {"a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "", ""},
        {"a\x80", "", "'utf-8' codec can't decode byte 0x80 in position 1: invalid start byte"},
        {"\xc0\x80", "", "'utf-8' codec can't decode byte 0xc0 in position 0: invalid start byte"},
        {"\xf5\x80", "", "'utf-8' codec can't decode byte 0xf5 in position 0: invalid start byte"},
        {"ab\xe2\x82", "",
         "'utf-8' codec can't decode bytes in position 2-3: unexpected end of data"},
        {"\xe2", "", "'utf-8' codec can't decode byte 0xe2 in position 0: unexpected end of data"},
        {"\xe2(", "",
         "'utf-8' codec can't decode byte 0xe2 in position 0: invalid continuation byte"},
        {"\xed\xa0\x80", "",
         "'utf-8' codec can't decode byte 0xed in position 0: invalid continuation byte"},
        {"\xf0\x9f\x98!", "",
         "'utf-8' codec can't decode bytes in position 0-2: invalid continuation byte"},
    };
    for (const auto& row : texts) {
        CAPTURE(row.complaint);
        if (*row.complaint) {
            CHECK_THROWS_WITH_AS(dialects::check_utf8(row.base64), row.complaint, sys::Error);
        } else {
            CHECK_NOTHROW(dialects::check_utf8(row.base64));
        }
    }
}

TEST_CASE("base64-jobs names how a job ended") {
    struct Row {
        const char* name;
        engine::StageResult stage;
        bool is_compile;
        const char *status, *stdout, *stderr;
        int exit_code;
    };
    auto segfault = stage(Verdict::signaled, {}, "", "");
    segfault.signal = 11;
    auto killed = segfault;
    killed.signal = 9;
    const Row rows[] = {
        {"well", stage(Verdict::passed, 0, " o \n", " e \n"), false, "success", " o \n", " e \n",
         0},
        {"exit 3", stage(Verdict::failed, 3, "", "e"), false, "failed", "", "e", 3},
        {"time", stage(Verdict::wall_timed_out, {}, "o", "e"), false, "failed", "o",
         "Execution timed out after 30 seconds\ne", 124},
        {"memory", stage(Verdict::out_of_memory, {}, "", ""), false, "failed", "",
         "Execution killed: out of memory\n", 137},
        {"memory, after a word", stage(Verdict::out_of_memory, {}, "", "e"), false, "failed", "",
         "e", 137},
        {"SIGKILL", killed, false, "failed", "", "Execution killed\n", 137},
        {"SIGSEGV", segfault, false, "failed", "", "", 139},
        {"cut", stage(Verdict::too_much_stdout, {}, "a\xc3", ""), false, "failed", "a",
         "Execution killed: too much output\n", 137},
        {"no UTF-8", stage(Verdict::passed, 0, "\xff", ""), false, "success", "\xef\xbf\xbd", "",
         0},
        {"compiler", stage(Verdict::failed, 2, "", "wrong"), true, "failed", "", "wrong", 1},
        {"compiler on stdout", stage(Verdict::failed, 2, "wrong", ""), true, "failed", "", "wrong",
         1},
        {"compiler, time", stage(Verdict::wall_timed_out, {}, "", ""), true, "failed", "",
         "Execution timed out after 30 seconds\n", 124},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto result = ran(row.stage);
        if (row.is_compile) result.compile = std::exchange(result.run, std::nullopt);
        const auto answer = Json::parse(dialects::encode_base64_job(result));
        CHECK(answer == Json{{"status", row.status},
                             {"stdout", row.stdout},
                             {"stderr", row.stderr},
                             {"execution_time", 1.5},
                             {"exit_code", row.exit_code}});
    }
}

TEST_CASE("code-executor's limits are the service's: defaults for 0, and the most for more") {
    struct Row {
        const char* fields;
        std::chrono::seconds time;
        config::Bytes memory;
        int percent;
    };
    const Row rows[] = {
        {"", 30s, 128_MiB, 50},
        {R"(,"timeout_seconds":0,"memory_limit_mb":0,"cpu_limit":0)", 30s, 128_MiB, 50},
        {R"(,"timeout_seconds":null,"memory_limit_mb":null,"cpu_limit":null)", 30s, 128_MiB, 50},
        {R"(,"timeout_seconds":5,"memory_limit_mb":64,"cpu_limit":0.25)", 5s, 64_MiB, 25},
        {R"(,"timeout_seconds":5.0,"memory_limit_mb":64.0,"cpu_limit":1)", 5s, 64_MiB, 100},
        {R"(,"timeout_seconds":120,"memory_limit_mb":1024,"cpu_limit":1.0)", 120s, 1_GiB, 100},
        {R"(,"timeout_seconds":121,"memory_limit_mb":1025,"cpu_limit":1.5)", 120s, 1_GiB, 100},
        {R"(,"timeout_seconds":1e300,"memory_limit_mb":9223372036854775807,"cpu_limit":1e300)",
         120s, 1_GiB, 100},
        {R"(,"cpu_limit":0.000001)", 30s, 128_MiB, 1},
    };
    for (const auto& row : rows) {
        CAPTURE(row.fields);
        const auto job =
            executor(R"({"language":"python","code":"x")" + std::string{row.fields} + "}");
        CHECK(job.total_time == row.time);
        CHECK(job.limits.run.memory == row.memory);
        CHECK(job.limits.run.cpu_percent == row.percent);
    }
    const auto cpp = executor(R"({"language":"cpp","code":"x","input":"in","nobody":1})");
    CHECK(cpp.stdin_text == "in");
    CHECK(cpp.limits.compile.memory == cpp.runtime->limits.compile.memory);
    const config::CodeExecutor free{.cpu_percent = 0, .max_cpu_percent = 0};
    dialects::CodeExecutorRequest request{.language = "java", .code = "x", .input = ""};
    CHECK(dialects::job_of(request, runtimes(), free).limits.run.cpu_percent == 0);
    request.cpu_limit = 0.5;
    CHECK(dialects::job_of(request, runtimes(), free).limits.run.cpu_percent == 50);
    CHECK(dialects::job_of(request, runtimes(), free).files.front().name == "Main.java");
}

TEST_CASE("code-executor refuses a request naming its field") {
    struct Row {
        const char *body, *error;
    };
    const Row rows[] = {
        {"{}", "language is required"},
        {R"({"language":"python","code":""})", "code is required"},
        {R"({"language":5,"code":"x"})", "language must be a string"},
        {R"({"language":"python","code":"x","input":{}})", "input must be a string"},
        {R"({"language":"python","code":"x","timeout_seconds":"5"})",
         "timeout_seconds must be a whole number"},
        {R"({"language":"python","code":"x","timeout_seconds":1.5})",
         "timeout_seconds must be a whole number"},
        {R"({"language":"python","code":"x","timeout_seconds":-1})",
         "timeout_seconds must not be negative"},
        {R"({"language":"python","code":"x","memory_limit_mb":true})",
         "memory_limit_mb must be a whole number"},
        {R"({"language":"python","code":"x","memory_limit_mb":-1})",
         "memory_limit_mb must not be negative"},
        {R"({"language":"python","code":"x","cpu_limit":"1"})", "cpu_limit must be a number"},
        {R"({"language":"python","code":"x","cpu_limit":-0.5})", "cpu_limit must not be negative"},
        {R"({"language":"latin","code":"x"})",
         "language \"latin\" is not supported: python, javascript, go, java, c, cpp, rust, ruby or "
         "php"},
        {R"({"language":"ruby","code":"x"})", "language \"ruby\" is not installed here"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.body);
        const auto answer =
            problem_of([&] { executor(row.body); }, dialects::code_executor_problem_of);
        CHECK(answer.status == 400);
        CHECK(Json::parse(answer.body) == Json{{"error", row.error}});
    }
    CHECK_THROWS_AS(executor("[]"), sys::Error);
    const dialects::CodeExecutorRequest request{
        .language = "python",
        .code = "x",
        .input = "",
        .cpu_limit = std::numeric_limits<double>::quiet_NaN()};
    CHECK_THROWS_AS(dialects::job_of(request, runtimes(), {}), sys::Error);
}

TEST_CASE("code-executor's answer says what ended the program") {
    const auto passed =
        dialects::encode(dialects::response_of(ran(stage(Verdict::passed, 0, " o\n", "e"))));
    CHECK(passed ==
          R"({"stdout":" o\n","stderr":"e","exit_code":0,"timeout":false,"memory_exceeded":false,)"
          R"("execution_time_ms":1500,"memory_used_mb":5})");
    const auto late = dialects::response_of(ran(stage(Verdict::wall_timed_out, {}, "", "")));
    CHECK(late.timeout);
    CHECK_FALSE(late.memory_exceeded);
    CHECK(late.exit_code == 124);
    const auto large = dialects::response_of(ran(stage(Verdict::out_of_memory, {}, "", "")));
    CHECK(large.memory_exceeded);
    CHECK_FALSE(large.timeout);
    CHECK(large.exit_code == 137);
    auto both = ran(stage(Verdict::failed, 7, "", ""));
    both.compile = stage(Verdict::passed, 0, "", "warning");
    CHECK(dialects::response_of(both).exit_code == 7);
    CHECK(dialects::response_of(both).execution_time_ms == 3000);
    CHECK(dialects::response_of(both).stderr.empty());
}

TEST_CASE("no mutation of a dialect's request does worse than be refused") {
    const std::string seeds[] = {
        R"({"language":"python","code":"cHJpbnQoMSk=","stdin":"YQo=","timeout":5})",
        R"({"language":"cpp","code":"x","input":"\ud83d","timeout_seconds":5,"cpu_limit":0.5})",
        R"({"language":"py","code":"x","stdin":"y","memory_limit_mb":64})",
    };
    std::mt19937 random(20241103);  // a fixed seed: a failure can be repeated
    int taken = 0;
    for (int round = 0; round < 10'000; ++round) {
        const auto body = support::mutated(seeds[random() % std::size(seeds)],
                                           "{}[]\",:\\=.-+eE0159tfn\xff", random);
        CAPTURE(body);
        for (const auto decode : {base64, executor, mini}) {
            try {
                const auto job = decode(body);
                ++taken;
                REQUIRE(job.runtime);
                REQUIRE(job.files.size() == 1);
                engine::check_file_name(job.files.front().name);
                REQUIRE((job.total_time == config::unlimited_time || job.total_time <= 120s));
                REQUIRE(job.limits.run.memory <= 1_GiB);
            } catch (const sys::Error& error) {
                REQUIRE(error.kind() == sys::Kind::invalid);
            }
        }
    }
    CHECK(taken > 100);  // or the mutations test nothing but the parser
}
