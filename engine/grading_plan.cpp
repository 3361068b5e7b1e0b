#include "engine/grading_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "isolate/sys/error.h"

namespace engine {

namespace {

using sys::Error;
using sys::Kind;

constexpr std::size_t max_message_bytes = 1024;
constexpr std::string_view white_space = " \t\n\v\f\r";

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(white_space), text.size()));
    return text.substr(0, text.find_last_not_of(white_space) + 1);
}

std::uint64_t bytes_of(const Test& test) {
    std::uint64_t bytes = test.name.size() + test.stdin_text.size();
    for (const auto& argument : test.arguments) bytes += argument.size();
    return bytes + (test.expected ? test.expected->size() : 0);
}

// What a checker says, for people: testlib's go to standard error, others' may not.
std::string words_of(const StageResult& checker) {
    auto words = trimmed(checker.output.err);
    if (words.empty()) words = trimmed(checker.output.out);
    return std::string{words.substr(0, max_message_bytes)};
}

// "points 2.5 nearly" or "2.5 nearly": the number; the words then are what stands behind it.
std::optional<double> take_points(std::string& words) {
    auto rest = std::string_view{words};
    if (rest.starts_with("points")) rest = trimmed(rest.substr(6));
    double points = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), points);
    if (error != std::errc{} || !std::isfinite(points)) return std::nullopt;
    words = trimmed(rest.substr(static_cast<std::size_t>(end - rest.data())));
    return points;
}

Opinion points_of(std::string words, double most) {
    const auto points = take_points(words);
    if (!points)
        return {TestVerdict::checker_error, 0, "the checker gave points but did not say how many"};
    const auto given = std::clamp(*points, 0.0, most);
    if (given >= most) return {TestVerdict::accepted, most, std::move(words)};
    const auto verdict = given > 0 ? TestVerdict::partial : TestVerdict::wrong_answer;
    return {verdict, given, std::move(words)};
}

}  // namespace

std::string_view name(TestVerdict verdict) {
    switch (verdict) {
        case TestVerdict::accepted:
            return "accepted";
        case TestVerdict::wrong_answer:
            return "wrong_answer";
        case TestVerdict::presentation_error:
            return "presentation_error";
        case TestVerdict::partial:
            return "partial";
        case TestVerdict::time_limit:
            return "time_limit";
        case TestVerdict::memory_limit:
            return "memory_limit";
        case TestVerdict::output_limit:
            return "output_limit";
        case TestVerdict::runtime_error:
            return "runtime_error";
        case TestVerdict::checker_error:
            return "checker_error";
        case TestVerdict::not_run:
            return "not_run";
        case TestVerdict::internal_error:
            return "internal_error";
    }
    __builtin_unreachable();
}

void check_size(const GradingPlan& plan, const config::Grading& settings) {
    if (plan.tests.size() > static_cast<std::size_t>(settings.max_tests)) {
        throw Error(Kind::invalid, "tests are " + std::to_string(plan.tests.size()) +
                                       "; the most is " + std::to_string(settings.max_tests) +
                                       " (grading.max_tests)");
    }
    std::uint64_t bytes = 0;
    for (const auto& test : plan.tests) bytes += bytes_of(test);
    if (bytes > settings.max_bytes.count) {
        throw Error(Kind::invalid,
                    "tests are " + std::to_string(bytes) + " bytes together; the most is " +
                        config::to_string(settings.max_bytes) + " (grading.max_bytes)");
    }
}

std::optional<TestVerdict> trouble_of(const StageResult& run) {
    switch (run.verdict) {
        case Verdict::passed:
            return std::nullopt;
        case Verdict::failed:
        case Verdict::signaled:
            return TestVerdict::runtime_error;
        case Verdict::wall_timed_out:
        case Verdict::cpu_timed_out:
            return TestVerdict::time_limit;
        case Verdict::out_of_memory:
            return TestVerdict::memory_limit;
        case Verdict::too_much_stdout:
        case Verdict::too_much_stderr:
            return TestVerdict::output_limit;
        case Verdict::canceled:
            return TestVerdict::not_run;
        case Verdict::broken:
            return TestVerdict::internal_error;
    }
    __builtin_unreachable();
}

Opinion opinion_of(const StageResult& checker, double points) {
    auto words = words_of(checker);
    if (checker.verdict == Verdict::passed)
        return {TestVerdict::accepted, points, std::move(words)};
    if (checker.verdict == Verdict::canceled) return {TestVerdict::not_run, 0, {}};
    if (checker.verdict != Verdict::failed) {
        return {TestVerdict::checker_error, 0,
                "the checker did not come to its end: " + std::string{name(checker.verdict)}};
    }
    // The codes of testlib.h.
    switch (const int code = checker.exit_code.value_or(-1); code) {
        case 1:
            return {TestVerdict::wrong_answer, 0, std::move(words)};
        case 2:
        case 4:  // more output than was asked for
        case 8:  // less
            return {TestVerdict::presentation_error, 0, std::move(words)};
        case 3:
            return {TestVerdict::checker_error, 0, std::move(words)};
        case 7:
            return points_of(std::move(words), points);
        default:
            return {TestVerdict::checker_error, 0,
                    "the checker ended with code " + std::to_string(code) +
                        (words.empty() ? "" : ": " + words)};
    }
}

Score score_of(const std::vector<TestResult>& tests) {
    Score score;
    for (const auto& test : tests) {
        score.points += test.points;
        score.out_of += test.out_of;
        score.passed += test.verdict == TestVerdict::accepted ? 1 : 0;
        ++score.of;
    }
    return score;
}

std::optional<std::size_t> telling_test(const std::vector<TestResult>& tests) {
    std::optional<std::size_t> last;
    for (std::size_t i = 0; i < tests.size(); ++i) {
        if (!tests[i].run) continue;
        if (tests[i].verdict != TestVerdict::accepted) return i;
        last = i;
    }
    return last;
}

}  // namespace engine
