// Grading: one program, compiled once, run on many tests, each in a box of its own. Plain values
// and the pure decisions over them; grading.h runs them.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/limits.h"
#include "config/settings.h"
#include "engine/compare.h"
#include "engine/job.h"
#include "engine/result.h"

namespace engine {

// One test of a program.
struct Test {
    std::string name;
    std::string stdin_text;
    std::vector<std::string> arguments;
    std::optional<std::string> expected;  // nothing: to end well is enough
    Comparison comparison;
    config::Limits limits;  // of the run stage; effective
    double points = 1;
};

struct GradingPlan {
    std::vector<Test> tests;
    bool stop_on_first_failure = false;
    // Judges tests that compare by `checker`: called with the names of three files in its
    // directory, the input, the output and the answer that was expected.
    std::shared_ptr<const Job> checker;
};

// More are refused whatever the settings say.
inline constexpr std::size_t most_tests = 10'000;

enum class TestVerdict {
    accepted,
    wrong_answer,
    presentation_error,  // only a checker says so
    partial,             // likewise: some of the points
    time_limit,
    memory_limit,
    output_limit,
    runtime_error,  // another exit code than 0, or a signal
    checker_error,  // the checker failed, not the program
    not_run,        // it was not compiled, or an earlier test failed
    internal_error,
};

// The word for it in answers and logs.
std::string_view name(TestVerdict verdict);

struct TestResult {
    std::string name;
    TestVerdict verdict = TestVerdict::not_run;
    double points = 0;
    double out_of = 0;
    std::optional<StageResult> run;  // its output as far as it is shown
    bool truncated = false;          // there was more of it
    std::string message;             // empty, or a sentence for people: the checker's, or ours
    std::optional<Difference> difference;
};

struct Score {
    double points = 0;
    double out_of = 0;
    int passed = 0;
    int of = 0;

    bool operator==(const Score&) const = default;
};

// What came of the tests, in their order.
struct Graded {
    std::vector<TestResult> tests;
    std::optional<StageResult> checker_compile;  // only if it failed
    Score score;
};

// Throws sys::Error{invalid}, naming the limit and its key, if there are more tests, or more bytes
// in them, than the settings allow.
void check_size(const GradingPlan& plan, const config::Grading& settings);

// What the end of a run means before anybody looks at its output; nothing if it ended well.
std::optional<TestVerdict> trouble_of(const StageResult& run);

// What a checker's end means: its code as testlib has it (0 ok, 1 wrong, 2 presentation, 3 its own
// fault, 4 and 8 presentation, 7 points, which its standard error begins with), its message.
struct Opinion {
    TestVerdict verdict = TestVerdict::checker_error;
    double points = 0;
    std::string message;
};
Opinion opinion_of(const StageResult& checker, double points);

Score score_of(const std::vector<TestResult>& tests);

// Which test the answer's `run` is: the first that was run and not accepted, else the last that was
// run; nothing if none was.
std::optional<std::size_t> telling_test(const std::vector<TestResult>& tests);

}  // namespace engine
