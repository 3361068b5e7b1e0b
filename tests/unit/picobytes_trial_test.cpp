#include "api/dialects/picobytes_trial.h"

#include <doctest/doctest.h>

#include <csignal>

namespace {

using dialects::Trial;
using engine::StageResult;
using engine::Verdict;
using Numbers = std::vector<int>;

std::string mark(char kind, int number, const std::string& text = {}) {
    return std::string{"\x01secret"} + kind + ' ' + std::to_string(number) + ' ' +
           std::to_string(text.size()) + ':' + text;
}

std::string passes(int number) {
    return mark('b', number, "x == " + std::to_string(number)) + mark('p', number);
}

std::string fails(int number) {
    return mark('b', number, "x == " + std::to_string(number)) + mark('f', number);
}

std::string begins(int number) {
    return mark('b', number, "x == " + std::to_string(number));
}

StageResult ended(std::string out, int code = 0) {
    StageResult run;
    run.verdict = code == 0 ? Verdict::passed : Verdict::failed;
    run.exit_code = code;
    run.output.out = std::move(out);
    return run;
}

StageResult killed(std::string out, int signal) {
    StageResult run;
    run.verdict = Verdict::signaled;
    run.signal = signal;
    run.output.out = std::move(out);
    return run;
}

Trial new_trial(int expected = 3) {
    return Trial{"secret", expected, std::chrono::seconds{5}, 1 << 20};
}

}  // namespace

TEST_CASE("assertions are told among what the program prints") {
    auto trial = new_trial();
    CHECK_FALSE(
        trial.take(ended("one\n" + passes(1) + "two\n" + fails(2) + passes(3) + mark('d', 1), 1)));
    CHECK(trial.output() == "one\nASSERT PASSED!\ntwo\nASSERT FAILED: x == 2\nASSERT PASSED!\n");
    CHECK(trial.failed() == Numbers{2});
    CHECK_FALSE(trial.passed());
}

TEST_CASE("a program that prints what looks like a result has no other result") {
    auto trial = new_trial(2);
    trial.take(ended("ASSERT FAILED: mine\n" + passes(1) + "ASSERT FAILED: mine\n" + passes(2) +
                     mark('d', 0)));
    CHECK(trial.failed().empty());
    CHECK(trial.passed());
    CHECK(trial.output() ==
          "ASSERT FAILED: mine\nASSERT PASSED!\nASSERT FAILED: mine\nASSERT PASSED!\n");
}

TEST_CASE("an assertion that ends the program fails alone") {
    auto trial = new_trial();
    REQUIRE(trial.take(killed("a\n" + passes(1) + begins(2), SIGSEGV)));
    CHECK(trial.arguments() == std::vector<std::string>{"2"});
    REQUIRE_FALSE(
        trial.take(ended("a\n" + passes(1) + mark('s', 2) + "b\n" + fails(3) + mark('d', 1), 1)));
    CHECK(trial.failed() == Numbers{2, 3});
    CHECK(trial.output() ==
          "a\nASSERT PASSED!\nASSERT FAILED: x == 2\nb\nASSERT FAILED: x == 3\n"
          "test 2: SIGSEGV\n");
    CHECK(trial.endless().empty());
    CHECK_FALSE(trial.passed());
}

TEST_CASE("all assertions may end the program") {
    auto trial = new_trial();
    REQUIRE(trial.take(killed(begins(1), SIGABRT)));
    REQUIRE(trial.take(killed(mark('s', 1) + begins(2), SIGABRT)));
    REQUIRE(trial.take(ended(mark('s', 1) + mark('s', 2) + begins(3))));
    REQUIRE_FALSE(trial.take(ended(mark('s', 1) + mark('s', 2) + mark('s', 3) + mark('d', 1), 1)));
    CHECK(trial.failed() == Numbers{1, 2, 3});
    CHECK(trial.output().find("test 3: ended the program with code 0") != std::string::npos);
}

TEST_CASE("an assertion that never ends fails alone and is known as such") {
    auto late = killed(begins(1), SIGKILL);
    late.wall_time = std::chrono::seconds{5};
    auto trial = new_trial(2);
    REQUIRE(trial.take(late));
    REQUIRE_FALSE(trial.take(ended(mark('s', 1) + passes(2) + mark('d', 1), 1)));
    CHECK(trial.failed() == Numbers{1});
    CHECK(trial.endless() == Numbers{1});
    CHECK(trial.output() ==
          "ASSERT FAILED: x == 1\nASSERT PASSED!\ntest 1: Command time out after 5 seconds.\n");
}

TEST_CASE("what ends the program between assertions fails those that are not reached") {
    auto trial = new_trial();
    CHECK_FALSE(trial.take(killed(passes(1) + "then\n", SIGFPE)));
    CHECK(trial.failed() == Numbers{2, 3});
    CHECK(trial.output() == "ASSERT PASSED!\nthen\nafter test 1: SIGFPE\n");
}

TEST_CASE("a program without assertions passes if it ends well") {
    auto trial = new_trial(0);
    CHECK_FALSE(trial.take(ended("text" + mark('d', 0))));
    CHECK(trial.passed());
    CHECK(trial.output() == "text");

    auto bad = new_trial(0);
    CHECK_FALSE(bad.take(killed("text" + mark('d', 0), SIGSEGV)));
    CHECK_FALSE(bad.passed());
    CHECK(bad.failed().empty());

    auto exits = new_trial(0);
    CHECK_FALSE(exits.take(ended("text")));
    CHECK_FALSE(exits.passed());
}

TEST_CASE("a program that goes another way the second time is not run for ever") {
    auto trial = new_trial();
    REQUIRE(trial.take(killed(passes(1) + begins(2), SIGSEGV)));
    CHECK_FALSE(trial.take(killed(begins(1), SIGSEGV)));
    CHECK(trial.failed().front() == 2);
    CHECK_FALSE(trial.passed());
}

TEST_CASE("standard error is shown if not all is well") {
    auto run = ended(fails(1) + mark('d', 1), 1);
    run.output.err = "help\n";
    auto trial = new_trial(1);
    trial.take(run);
    CHECK(trial.output() == "ASSERT FAILED: x == 1\nhelp\n");
}
