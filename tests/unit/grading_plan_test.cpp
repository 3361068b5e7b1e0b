#include "engine/grading_plan.h"

#include <doctest/doctest.h>

#include <string>

#include "isolate/sys/error.h"

using engine::StageResult;
using engine::TestVerdict;
using engine::Verdict;

namespace {

StageResult ended(Verdict verdict, std::optional<int> code = {}, const std::string& err = "",
                  const std::string& out = "") {
    StageResult stage;
    stage.verdict = verdict;
    stage.exit_code = code;
    stage.output.err = err;
    stage.output.out = out;
    return stage;
}

engine::TestResult test(TestVerdict verdict, double points, double out_of, bool was_run = true) {
    engine::TestResult result{.verdict = verdict, .points = points, .out_of = out_of};
    if (was_run) result.run = StageResult{};
    return result;
}

}  // namespace

TEST_CASE("how a run ends decides its test before its output does") {
    const std::pair<Verdict, TestVerdict> rows[] = {
        {Verdict::failed, TestVerdict::runtime_error},
        {Verdict::signaled, TestVerdict::runtime_error},
        {Verdict::wall_timed_out, TestVerdict::time_limit},
        {Verdict::cpu_timed_out, TestVerdict::time_limit},
        {Verdict::out_of_memory, TestVerdict::memory_limit},
        {Verdict::too_much_stdout, TestVerdict::output_limit},
        {Verdict::too_much_stderr, TestVerdict::output_limit},
        {Verdict::canceled, TestVerdict::not_run},
        {Verdict::broken, TestVerdict::internal_error},
    };
    for (const auto& [end, expected] : rows) {
        const std::string name{engine::name(end)};
        CAPTURE(name);
        CHECK(engine::trouble_of(ended(end)) == expected);
    }
    CHECK_FALSE(engine::trouble_of(ended(Verdict::passed, 0)));
}

TEST_CASE("a checker speaks testlib") {
    struct Row {
        std::string name;
        StageResult end;
        TestVerdict verdict;
        double points;
        std::string message;
    };
    const Row rows[] = {
        {"0", ended(Verdict::passed, 0, "ok 3 numbers\n"), TestVerdict::accepted, 10,
         "ok 3 numbers"},
        {"1", ended(Verdict::failed, 1, "wrong answer 1st differ"), TestVerdict::wrong_answer, 0,
         "wrong answer 1st differ"},
        {"2", ended(Verdict::failed, 2, "bad"), TestVerdict::presentation_error, 0, "bad"},
        {"4", ended(Verdict::failed, 4, "dirt"), TestVerdict::presentation_error, 0, "dirt"},
        {"8", ended(Verdict::failed, 8), TestVerdict::presentation_error, 0, ""},
        {"3", ended(Verdict::failed, 3, "FAIL"), TestVerdict::checker_error, 0, "FAIL"},
        {"its words on the other stream", ended(Verdict::failed, 1, "", "no\n"),
         TestVerdict::wrong_answer, 0, "no"},
        {"another code", ended(Verdict::failed, 9, "oops"), TestVerdict::checker_error, 0,
         "the checker ended with code 9: oops"},
        {"another code without words", ended(Verdict::failed, 9), TestVerdict::checker_error, 0,
         "the checker ended with code 9"},
        {"7", ended(Verdict::failed, 7, "points 2.5 nearly\n"), TestVerdict::partial, 2.5,
         "nearly"},
        {"7 without the word", ended(Verdict::failed, 7, "2.5 nearly"), TestVerdict::partial, 2.5,
         "nearly"},
        {"7 with all of them", ended(Verdict::failed, 7, "points 10"), TestVerdict::accepted, 10,
         ""},
        {"7 with more than there are", ended(Verdict::failed, 7, "points 1e9"),
         TestVerdict::accepted, 10, ""},
        {"7 with none", ended(Verdict::failed, 7, "points 0 no"), TestVerdict::wrong_answer, 0,
         "no"},
        {"7 with less than none", ended(Verdict::failed, 7, "-3"), TestVerdict::wrong_answer, 0,
         ""},
        {"7 without a number", ended(Verdict::failed, 7, "points"), TestVerdict::checker_error, 0,
         "the checker gave points but did not say how many"},
        {"7 with no number", ended(Verdict::failed, 7, "nan"), TestVerdict::checker_error, 0,
         "the checker gave points but did not say how many"},
        {"out of time", ended(Verdict::cpu_timed_out), TestVerdict::checker_error, 0,
         "the checker did not come to its end: cpu_timed_out"},
        {"a signal", ended(Verdict::signaled), TestVerdict::checker_error, 0,
         "the checker did not come to its end: signaled"},
        {"killed by whoever asked", ended(Verdict::canceled), TestVerdict::not_run, 0, ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto opinion = engine::opinion_of(row.end, 10);
        CHECK(opinion.verdict == row.verdict);
        CHECK(opinion.points == row.points);
        CHECK(opinion.message == row.message);
    }
    CHECK(engine::opinion_of(ended(Verdict::failed, 1, std::string(5000, 'x')), 1).message.size() ==
          1024);
}

TEST_CASE("the score counts what was accepted and adds up the points") {
    CHECK(engine::score_of({}) == engine::Score{});
    CHECK(engine::score_of({test(TestVerdict::accepted, 2, 2), test(TestVerdict::partial, 0.5, 3),
                            test(TestVerdict::not_run, 0, 5, false)}) ==
          engine::Score{.points = 2.5, .out_of = 10, .passed = 1, .of = 3});
}

TEST_CASE("the telling test is the first that failed, else the last") {
    const auto good = test(TestVerdict::accepted, 1, 1);
    const auto bad = test(TestVerdict::wrong_answer, 0, 1);
    const auto left_out = test(TestVerdict::not_run, 0, 1, false);
    CHECK_FALSE(engine::telling_test({}));
    CHECK_FALSE(engine::telling_test({left_out, left_out}));
    CHECK(engine::telling_test({good, good, left_out}) == 1);
    CHECK(engine::telling_test({good, bad, good, bad}) == 1);
}

TEST_CASE("more tests or bytes than the settings allow are refused with the key that raises it") {
    const engine::Test large{.name = "x",
                             .stdin_text = std::string(400, 'x'),
                             .arguments = {std::string(300, 'x')},
                             .expected = std::string(400, 'x')};
    config::Grading settings;
    settings.max_tests = 2;
    settings.max_bytes = config::Bytes{2300};
    CHECK_NOTHROW(engine::check_size({.tests = {large, large}}, settings));
    CHECK_THROWS_WITH_AS(engine::check_size({.tests = {large, large, large}}, settings),
                         "tests are 3; the most is 2 (grading.max_tests)", sys::Error);
    settings.max_bytes = config::Bytes{2048};
    CHECK_THROWS_WITH_AS(engine::check_size({.tests = {large, large}}, settings),
                         "tests are 2202 bytes together; the most is 2KiB (grading.max_bytes)",
                         sys::Error);
}
