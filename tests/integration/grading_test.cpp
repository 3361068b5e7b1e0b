// Compiling once and running many times, on a real runner.
#include "engine/grading.h"

#include <doctest/doctest.h>

#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "isolate/sys/error.h"
#include "tests/support/local_engine.h"

using engine::TestVerdict;
using namespace config::literals;

namespace {

support::LocalEngine& local() {
    static support::LocalEngine shared{3};
    return shared;
}

// A shell that "compiles": what the script makes is what the runs find.
std::shared_ptr<const engine::Runtime> two_stages(const std::string& compile,
                                                  const std::string& run) {
    engine::Runtime runtime;
    runtime.language = "made";
    runtime.version = "1.0.0";
    runtime.environment = {"PATH=/usr/bin:/bin"};
    runtime.compile = packages::Script{.argv = {"/bin/sh", "-c", compile}, .text = ""};
    runtime.run = {.argv = {"/bin/sh", "-c", run, "sh", "{args}"}, .text = ""};
    return std::make_shared<const engine::Runtime>(std::move(runtime));
}

engine::Job job_of(std::shared_ptr<const engine::Runtime> runtime, engine::GradingPlan plan) {
    engine::Job job;
    job.id = "grading";
    job.limits = runtime->limits;
    job.runtime = std::move(runtime);
    job.files = {{.name = "main.sh", .content = "", .is_code = true}};
    for (auto& test : plan.tests) {
        test.limits = job.limits.run;
        test.stdin_text += '\n';
    }
    job.grading = std::make_shared<const engine::GradingPlan>(std::move(plan));
    return job;
}

// Thread-safe by being called one at a time.
struct Told : engine::GradingEvents {
    std::vector<std::size_t> indexes;
    std::vector<std::string> stages;
    void test_ended(std::size_t index, const engine::TestResult&) override {
        indexes.push_back(index);
    }
    void stage_started(engine::Stage stage) override {
        stages.push_back(stage == engine::Stage::compile ? "compile" : "run");
    }
};

engine::JobResult grade(const engine::Job& job, const engine::Help& help = {}) {
    Told told;
    return engine::grade(local().engine(), job, told, {}, help);
}

std::vector<TestVerdict> verdicts(const engine::JobResult& result) {
    std::vector<TestVerdict> all;
    for (const auto& test : result.graded->tests) all.push_back(test.verdict);
    return all;
}

engine::GradingPlan tests(std::size_t count, const std::string& expected) {
    engine::GradingPlan plan;
    for (std::size_t i = 0; i < count; ++i)
        plan.tests.push_back({.arguments = {std::to_string(i)}, .expected = expected});
    return plan;
}

}  // namespace

TEST_CASE("what the compile stage leaves is in the box of every run, and nothing of another run") {
    const auto runtime = two_stages(
        "mkdir -p d/e empty; echo deep > d/e/f; printf '#!/bin/sh\\necho ran' > tool; chmod 755 "
        "tool;"
        "ln -s d/e/f link; ln -s / d/out; mkfifo pipe; echo hidden > locked; chmod 000 locked;"
        "touch /tmp/not_kept",
        "ls -d *; ls -A /tmp; cat link; ./tool; stat -c %a tool d/e/f; readlink d/out; cat "
        "args.args;"
        "echo more > d/e/f; touch left /tmp/left; rm tool");
    auto plan = tests(6, "");
    for (std::size_t i = 0; i < plan.tests.size(); ++i) {
        plan.tests[i].expected =
            "args.args\ncode.code\nd\nempty\nlink\nlocked\nmain.sh\ntool\ndeep\nran\n755\n644\n/"
            "\n" +
            std::to_string(i) + "\n";
    }
    const auto result = grade(job_of(runtime, std::move(plan)));
    REQUIRE(result.compile);
    CHECK(result.compile->passed());
    for (const auto& test : result.graded->tests) {
        CAPTURE(test.run->output.out);
        CAPTURE(test.run->output.err);
        CHECK(test.verdict == TestVerdict::accepted);
    }
    CHECK(result.graded->score.passed == 6);
}

TEST_CASE("links that a compile stage plants lead no file of a test out") {
    // A file beneath what was a directory when it was sent and is a link now.
    const auto runtime = two_stages("rm -rf args.args; ln -s /box/run args.args; ln -s /tmp d",
                                    "cat args.args; readlink d; ls -A /tmp");
    auto plan = tests(1, "0\n/tmp\n");
    const auto result = grade(job_of(runtime, std::move(plan)));
    CAPTURE(result.graded->tests[0].run->output.out);
    CHECK(verdicts(result) == std::vector{TestVerdict::accepted});
}

TEST_CASE("what is too much or too deep to be taken along is refused with a sentence") {
    struct Row {
        std::string name, compile, sentence;
    };
    const Row rows[] = {
        {"deep", "i=0; while [ $i -lt 70 ]; do mkdir d && cd d; i=$((i+1)); done", "too deep"},
        {"sparse files beyond the box",
         "i=0; while [ $i -lt 20 ]; do truncate -s 9000000 f$i; i=$((i+1)); done", "too much"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        try {
            grade(job_of(two_stages(row.compile, "true"), tests(1, "")));
            FAIL("it was taken");
        } catch (const sys::Error& error) {
            CHECK(error.kind() == sys::Kind::invalid);
            CHECK(std::string{error.what()}.find(row.sentence) != std::string::npos);
        }
    }
}

TEST_CASE("how a test ends is its own affair, and a broken program is not run at all") {
    const auto runtime = two_stages("true",
                                    "case $1 in 0) exit 0;; 1) exit 4;; 2) kill -SEGV $$;;"
                                    " 3) head -c 2000000 /dev/zero;; esac");
    CHECK(verdicts(grade(job_of(runtime, tests(5, "")))) ==
          std::vector{TestVerdict::accepted, TestVerdict::runtime_error, TestVerdict::runtime_error,
                      TestVerdict::output_limit, TestVerdict::accepted});
    const auto broken = grade(job_of(two_stages("exit 1", "true"), tests(2, "")));
    CHECK(verdicts(broken) == std::vector{TestVerdict::not_run, TestVerdict::not_run});
    CHECK_FALSE(broken.run);
}

TEST_CASE("the first failure ends the rest, the same way every time") {
    auto plan = tests(12, "x");
    plan.stop_on_first_failure = true;
    const auto runtime =
        two_stages("true", "[ $1 = 3 ] && sleep 0.2; [ $1 = 3 ] || [ $1 = 5 ] || echo x");
    const auto job = job_of(runtime, std::move(plan));
    engine::Admission admission{{.concurrent_jobs = 3, .queued_jobs = 10, .queued_bytes = 1_MiB}};
    for (int round = 0; round < 3; ++round) {
        Told told;
        const auto result =
            engine::grade(local().engine(), job, told, {}, {.admission = &admission});
        std::vector<TestVerdict> expected(12, TestVerdict::not_run);
        expected[0] = expected[1] = expected[2] = TestVerdict::accepted;
        expected[3] = TestVerdict::wrong_answer;
        CHECK(verdicts(result) == expected);
        CHECK(told.indexes == std::vector<std::size_t>{0, 1, 2, 3});
        CHECK(told.stages == std::vector<std::string>{"compile"});
    }
}

TEST_CASE("tests run beside each other in free slots, each told once") {
    engine::Admission admission{{.concurrent_jobs = 2, .queued_jobs = 10, .queued_bytes = 1_MiB}};
    const auto job = job_of(two_stages("true", "echo $1"), [] {
        auto plan = tests(40, "");
        for (auto& test : plan.tests) test.expected = test.arguments[0];
        return plan;
    }());
    Told told;
    const auto result = engine::grade(local().engine(), job, told, {}, {.admission = &admission});
    CHECK(result.graded->score.passed == 40);
    CHECK(std::set<std::size_t>(told.indexes.begin(), told.indexes.end()).size() == 40);
    CHECK(told.indexes.size() == 40);
}

TEST_CASE("whoever asked is gone: what runs is killed, and nothing begins") {
    auto plan = tests(8, "");
    const auto job = job_of(two_stages("true", "sleep 60"), std::move(plan));
    engine::Admission admission{{.concurrent_jobs = 2, .queued_jobs = 10, .queued_bytes = 1_MiB}};
    std::stop_source stop;
    const std::jthread leaver{[&] {
        // Both slots have a test: then there is nobody left to offer one to.
        while (admission.status().running == 0) std::this_thread::yield();
        stop.request_stop();
    }};
    Told told;
    const auto result =
        engine::grade(local().engine(), job, told, stop.get_token(), {.admission = &admission});
    for (const auto verdict : verdicts(result)) CHECK(verdict == TestVerdict::not_run);
}

TEST_CASE("an expression that cannot be used is refused before anything is run") {
    auto plan = tests(2, "(");
    plan.tests[1].comparison.mode = engine::CompareMode::regex;
    CHECK_THROWS_WITH_AS(grade(job_of(two_stages("true", "true"), std::move(plan))),
                         "tests[1].expected_output is no regular expression: missing ): (",
                         sys::Error);
}

TEST_CASE("a checker has the input, the output and the answer in a box of its own") {
    auto plan = tests(3, "");
    plan.tests[0].expected = "0";
    plan.tests[1].expected = "other";
    for (auto& test : plan.tests) {
        test.stdin_text = "in";
        test.comparison.mode = engine::CompareMode::checker;
    }
    engine::Job checker;
    checker.id = "checker";
    checker.runtime =
        two_stages("echo compiled > mark",
                   "[ $(cat mark) = compiled ] && [ $(cat $1) = in ] || exit 3;"
                   "[ \"$(cat $2)\" = \"$(cat $3)\" ] || { echo differ >&2; exit 1; }");
    checker.limits = checker.runtime->limits;
    checker.files = {{.name = "main.sh", .content = "", .is_code = true}};
    plan.checker = std::make_shared<const engine::Job>(checker);
    const auto result = grade(job_of(two_stages("true", "cat > /dev/null; echo $1"), plan));
    CHECK(verdicts(result) ==
          std::vector{TestVerdict::accepted, TestVerdict::wrong_answer, TestVerdict::wrong_answer});
    CHECK(result.graded->tests[1].message == "differ");
}

TEST_CASE("output is shown up to its share and compared whole") {
    auto plan = tests(2, std::string(3000, 'x'));
    const auto job = job_of(two_stages("true", "head -c 3000 /dev/zero | tr '\\0' x"), plan);
    config::Grading settings;
    settings.shown_output = config::Bytes{1000};
    const auto result = grade(job, {.settings = settings});
    CHECK(result.graded->score.passed == 2);
    CHECK(result.graded->tests[0].run->output.out.size() == 1000);
    CHECK(result.graded->tests[0].truncated);
    settings.total_output = config::Bytes{400};
    CHECK(grade(job, {.settings = settings}).graded->tests[0].run->output.out.size() == 100);
}
