#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "api/wire/grading.h"
#include "api/wire/job.h"
#include "api/wire/result.h"
#include "isolate/sys/error.h"
#include "tests/support/mutation.h"

using engine::CompareMode;
using Json = nlohmann::ordered_json;

namespace {

const engine::Runtimes& runtimes() {
    static const engine::Runtimes list = [] {
        engine::Runtime python;
        python.language = "python";
        python.version = "3.11.2";
        return engine::Runtimes{{std::make_shared<const engine::Runtime>(python)}};
    }();
    return list;
}

std::string request(const std::string& fields) {
    return R"({"language":"python","version":"*","files":[{"content":"x"}],)" + fields + "}";
}

engine::Job decode(const std::string& fields) {
    return wire::decode_job(request(fields), runtimes());
}

engine::Test first_test(const std::string& fields) {
    return decode(fields).grading->tests.at(0);
}

}  // namespace

TEST_CASE("a test takes from the request what it leaves out") {
    const auto plain = first_test(R"("stdin":"in","args":["a"],"run_timeout":500,"tests":[{}])");
    CHECK(plain.name == "1");
    CHECK(plain.stdin_text == "in\n");
    CHECK(plain.arguments == std::vector<std::string>{"a"});
    CHECK_FALSE(plain.expected);
    CHECK(plain.limits.wall_time == config::Milliseconds{500});
    CHECK(plain.points == 1);
    CHECK(plain.comparison.mode == CompareMode::trimmed);

    const auto full = first_test(
        R"("stdin":"in","run_timeout":500,"tests":[{"name":"n","stdin":"own","args":[1,true],)"
        R"("expected_output":"","compare":{"mode":"floats","relative":0.5},)"
        R"("limits":{"run_timeout":900,"run_memory_limit":1000000},"points":0.5}])");
    CHECK(full.name == "n");
    CHECK(full.stdin_text == "own\n");
    CHECK(full.arguments == std::vector<std::string>{"1", "true"});
    CHECK(full.expected == "");
    CHECK(full.comparison ==
          engine::Comparison{.mode = CompareMode::floats, .absolute = 0, .relative = 0.5});
    // Above the request's own, within the runtime's.
    CHECK(full.limits.wall_time == config::Milliseconds{900});
    CHECK(full.limits.memory == config::Bytes{1'000'000});
    CHECK(full.points == 0.5);
}

TEST_CASE("a checker is a program of the plan, and the usual way to compare where there is one") {
    const std::string checker =
        R"("checker":{"language":"python","version":"*","files":[{"content":"c"}],"args":["x"]})";
    const auto job = decode(checker + R"(,"tests":[{},{"compare":"exact"}])");
    REQUIRE(job.grading->checker);
    CHECK(job.grading->checker->files.at(0).content == "c");
    CHECK(job.grading->checker->arguments == std::vector<std::string>{"x"});
    CHECK(job.grading->tests[0].comparison.mode == CompareMode::checker);
    CHECK(job.grading->tests[1].comparison.mode == CompareMode::exact);
    // Nobody asks it.
    CHECK_FALSE(decode(checker + R"(,"tests":[{"compare":"exact"}])").grading->checker);
}

TEST_CASE("a job without tests has no plan") {
    CHECK_FALSE(decode(R"("stdin":"")").grading);
    CHECK_FALSE(decode(R"("tests":null,"compare":"nonsense")").grading);
}

TEST_CASE("more tests than any setting allows are refused before they take memory") {
    std::string tests = "{}";
    for (std::size_t i = 0; i < engine::most_tests; ++i) tests += ",{}";
    CHECK_THROWS_WITH_AS(decode("\"tests\":[" + tests + "]"), "tests has more than 10000 elements",
                         sys::Error);
}

TEST_CASE("what came of tests is told behind Piston's own keys") {
    engine::JobResult result;
    result.runtime = runtimes().all[0];
    result.run = engine::StageResult{};
    engine::StageResult run;
    run.verdict = engine::Verdict::failed;
    run.exit_code = 3;
    run.output.out = "caf\xc3";  // cut within a character
    engine::Graded graded;
    graded.tests = {{.name = "a\"b",
                     .verdict = engine::TestVerdict::runtime_error,
                     .out_of = 2.5,
                     .run = run,
                     .truncated = true},
                    {.name = "2",
                     .verdict = engine::TestVerdict::not_run,
                     .message = "why",
                     .difference = engine::Difference{3, {}, "x"}}};
    graded.score = {.points = 0.1, .out_of = 2.5, .passed = 0, .of = 2};
    result.graded = std::make_shared<const engine::Graded>(graded);
    const auto json = Json::parse(wire::encode(result));
    CHECK(json["run"]["code"] == 0);
    const auto& tests = json["tests"];
    REQUIRE(tests.size() == 2);
    CHECK(tests[0]["name"] == "a\"b");
    CHECK(tests[0]["stdout"] == "caf");
    CHECK(tests[0]["message"] == "Exited with error status 3");
    CHECK(tests[0]["difference"] == Json());
    CHECK(tests[1]["message"] == "why");
    CHECK(tests[1]["wall_time"] == Json());
    CHECK(tests[1]["difference"] == Json{{"line", 3}, {"expected", nullptr}, {"actual", "x"}});
    CHECK(json["score"] == Json{{"points", 0.1}, {"out_of", 2.5}, {"passed", 0}, {"of", 2}});
}

TEST_CASE("damaged requests with tests are decoded or refused") {
    std::mt19937 random{20261121};
    const auto seed =
        request(R"("compare":{"mode":"floats","absolute":1e-3},"stop_on_first_failure":true,)"
                R"("checker":{"language":"python","version":"*","files":[{"content":"c"}]},)"
                R"("tests":[{"stdin":"1","args":["a"],"expected_output":"2","compare":"regex",)"
                R"("limits":{"run_timeout":10},"points":2},{"name":"x"}])");
    int decoded = 0;
    int refused = 0;
    for (int i = 0; i < 10'000; ++i) {
        try {
            const auto job =
                wire::decode_job(support::mutated(seed, "{}[]\",:0e-ntf", random), runtimes());
            ++decoded;
            if (!job.grading) continue;
            CHECK_FALSE(job.grading->tests.empty());
            for (const auto& test : job.grading->tests) {
                CHECK(test.limits.wall_time <= job.runtime->limits.run.wall_time);
                CHECK(test.points >= 0);
            }
        } catch (const sys::Error& error) {
            CHECK(error.kind() == sys::Kind::invalid);
            ++refused;
        }
    }
    CHECK(decoded > 0);
    CHECK(refused > 0);
}
