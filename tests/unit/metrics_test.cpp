#include "api/metrics/metrics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>

#include "api/metrics/names.h"
#include "isolate/sys/file.h"
#include "tests/support/exposition.h"

using namespace metrics;
using engine::Verdict;
using std::chrono::milliseconds;
using support::parse_exposition;

namespace {

engine::Job job_in(const std::string& language, bool compiled = false) {
    auto runtime = std::make_shared<engine::Runtime>();
    runtime->language = language;
    runtime->version = "1.0.0";
    if (compiled) runtime->compile.emplace();
    engine::Job job;
    job.runtime = std::move(runtime);
    job.waited = milliseconds{3};
    return job;
}

engine::StageResult stage(Verdict verdict) {
    engine::StageResult result;
    result.verdict = verdict;
    result.wall_time = milliseconds{200};
    result.cpu_time = milliseconds{100};
    result.memory = config::Bytes{3 << 20};
    return result;
}

engine::JobEnd end_of(const engine::Job& job, Verdict verdict) {
    engine::JobEnd end{.result = {.runtime = job.runtime, .compile = {}, .run = {}, .queued = {}}};
    end.result.run = stage(verdict);
    end.was_ready = true;
    end.until_begun = milliseconds{1};
    end.executing = milliseconds{210};
    return end;
}

Levels with(const std::vector<std::string>& runtimes) {
    return {.version = "0.1.0", .runtimes = runtimes};
}

// All words in the file that look like one of our metrics.
std::set<std::string> asked_for(const std::string& name) {
    const auto file = std::filesystem::path(__FILE__).parent_path() / "../../config" / name;
    const auto text = sys::read_file(file.string());
    constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz_";
    std::set<std::string> found;
    for (std::size_t begin = text.find_first_of(letters); begin != std::string::npos;) {
        const auto end = std::min(text.find_first_not_of(letters, begin), text.size());
        const auto word = text.substr(begin, end - begin);
        if (word.starts_with("crankcase_") || word.starts_with("process_")) found.insert(word);
        begin = text.find_first_of(letters, end);
    }
    return found;
}

}  // namespace

TEST_CASE("every metric of the table is told, and nothing else is") {
    Metrics counted;
    const auto job = job_in("bash");
    counted.job_ended(job, end_of(job, Verdict::passed));
    const auto told = parse_exposition(counted.text(with({"bash-1.0.0"})));
    std::set<std::string> families;
    for (const auto& [sample, value] : told.samples)
        families.insert(support::family_of(told, sample.substr(0, sample.find('{'))));
    std::set<std::string> table;
    for (const auto& name : names) table.emplace(name.name);
    CHECK(families == table);
    for (const auto& name : names) {
        CAPTURE(name.name);
        CHECK(std::string{name.name}.ends_with("_total") == (name.type == Type::counter));
    }
}

TEST_CASE("jobs are counted by runtime, stage and verdict, and once in each histogram") {
    Metrics counted;
    const auto bash = job_in("bash");
    counted.job_ended(bash, end_of(bash, Verdict::passed));
    counted.job_ended(bash, end_of(bash, Verdict::passed));
    counted.job_ended(bash, end_of(bash, Verdict::out_of_memory));
    const auto c = job_in("c", true);
    auto failed = end_of(c, Verdict::passed);
    failed.result.compile = stage(Verdict::failed);
    failed.result.run.reset();
    failed.was_ready = false;
    failed.start = engine::Start::warm;
    counted.job_ended(c, failed);

    const auto told = parse_exposition(counted.text(with({"bash-1.0.0", "c-1.0.0"})));
    CHECK(told.value(R"(crankcase_jobs_total{runtime="bash-1.0.0",verdict="passed"})") == 2);
    CHECK(told.value(R"(crankcase_jobs_total{runtime="bash-1.0.0",verdict="out_of_memory"})") == 1);
    CHECK(told.value(R"(crankcase_jobs_total{runtime="c-1.0.0",verdict="failed"})") == 1);
    CHECK(told.value(
              R"(crankcase_stages_total{runtime="c-1.0.0",stage="compile",verdict="failed"})") ==
          1);
    CHECK(told.sum("crankcase_stages_total") == 4);
    CHECK(told.value(R"(crankcase_stage_cpu_seconds_total{runtime="bash-1.0.0",stage="run"})") ==
          doctest::Approx(0.3));
    CHECK(told.value(R"(crankcase_pool_leases_total{result="hit"})") == 3);
    CHECK(told.value(R"(crankcase_pool_leases_total{result="miss"})") == 1);
    CHECK(told.value(R"(crankcase_job_starts_total{runtime="bash-1.0.0",start="cold"})") == 3);
    CHECK(told.value(R"(crankcase_job_starts_total{runtime="c-1.0.0",start="warm"})") == 1);
    for (const std::string name : {"queue", "start", "execution"}) {
        CAPTURE(name);
        CHECK(told.value("crankcase_job_" + name + "_seconds_count") == 4);
    }
    CHECK(told.value(R"(crankcase_job_execution_seconds_bucket{le="0.25"})") == 4);
    CHECK(told.value(R"(crankcase_job_execution_seconds_bucket{le="0.1"})") == 0);
    CHECK(told.value(R"(crankcase_stage_memory_bytes_count{stage="run"})") == 3);
}

TEST_CASE("what was started ahead of jobs counts apart from what they used") {
    Metrics counted;
    auto levels = with({"bash-1.0.0"});
    levels.parked = 3;
    levels.warm_cpu_seconds = 0.25;
    const auto told = parse_exposition(counted.text(levels));
    CHECK(told.value("crankcase_parked_programs") == 3);
    CHECK(told.value("crankcase_warm_cpu_seconds_total") == doctest::Approx(0.25));
    CHECK(told.sum("crankcase_stage_cpu_seconds_total") == 0);
}

TEST_CASE("trouble is told from what a program did") {
    struct Row {
        std::string name;
        sys::Kind trouble;
        bool begun;
        std::string verdict;
        double broken_stages;
    };
    for (const Row& row : {Row{"a broken stage", sys::Kind::broken, true, "broken", 1},
                           Row{"no runner", sys::Kind::broken, false, "broken", 0},
                           Row{"nobody waits", sys::Kind::busy, false, "canceled", 0},
                           Row{"an impossible file", sys::Kind::invalid, false, "invalid", 0}}) {
        CAPTURE(row.name);
        Metrics counted;
        const auto job = job_in("bash");
        engine::JobEnd end{
            .result = {.runtime = job.runtime, .compile = {}, .run = {}, .queued = {}}};
        end.trouble = row.trouble;
        if (row.begun) end.until_begun = end.executing = milliseconds{1};
        counted.job_ended(job, end);
        const auto told = parse_exposition(counted.text(with({"bash-1.0.0"})));
        CHECK(told.value("crankcase_jobs_total{runtime=\"bash-1.0.0\",verdict=\"" + row.verdict +
                         "\"}") == 1);
        CHECK(told.sum("crankcase_stages_total") == row.broken_stages);
    }
}

TEST_CASE("a runtime that is gone takes its lines along, and its name cannot break the format") {
    Metrics counted;
    const std::string hostile = "x\"} 1\nevil_total{a=\"\\";
    const auto job = job_in(hostile);
    counted.job_ended(job, end_of(job, Verdict::passed));
    const auto there = parse_exposition(counted.text(with({hostile + "-1.0.0"})));
    CHECK(there.sum("crankcase_jobs_total") == 1);
    CHECK(there.types.count("evil_total") == 0);
    for (int i = 0; i < 1000; ++i) {
        const auto other = job_in("language" + std::to_string(i));
        counted.job_ended(other, end_of(other, Verdict::passed));
    }
    const auto gone = parse_exposition(counted.text(with({"bash-1.0.0"})));
    CHECK(gone.sum("crankcase_jobs_total") == 0);
    CHECK(gone.value("crankcase_job_execution_seconds_count") == 1001);
    CHECK(gone.samples.size() < 200);
}

TEST_CASE("an error is a rejection unless the engine is broken") {
    CHECK(rejection_of(sys::Error(sys::Kind::invalid, "x")) == Rejection::invalid);
    CHECK(rejection_of(sys::Error(sys::Kind::busy, "x")) == Rejection::queue);
    CHECK(rejection_of(engine::Unavailable("x")) == Rejection::unavailable);
    CHECK_FALSE(rejection_of(sys::Error(sys::Kind::broken, "x")));
    CHECK_FALSE(rejection_of(std::runtime_error("x")));
}

TEST_CASE("the kernel's numbers of this process are there") {
    const auto process = look_at_process();
    CHECK(process.resident_bytes > 100'000);
    CHECK(process.open_files >= 3);
    CHECK(process.most_files >= process.open_files);
    CHECK(process.cpu_seconds > 0);
}

TEST_CASE("the dashboard and the alerts ask for metrics that there are") {
    std::set<std::string> known;
    for (const auto& name : names) {
        const std::string own{name.name};
        if (name.type == Type::counter || name.type == Type::gauge) {
            known.insert(own);
            continue;
        }
        for (const std::string suffix : {"_bucket", "_sum", "_count"}) known.insert(own + suffix);
    }
    for (const std::string file : {"grafana/crankcase.json", "prometheus/alerts.yml"}) {
        const auto asked = asked_for(file);
        CHECK(asked.size() > 5);
        for (const auto& name : asked) {
            CAPTURE(file);
            CAPTURE(name);
            CHECK(known.count(name) == 1);
        }
    }
    const auto file =
        std::filesystem::path(__FILE__).parent_path() / "../../config/grafana/crankcase.json";
    const auto dashboard = nlohmann::json::parse(sys::read_file(file.string()));
    CHECK(dashboard["panels"].size() > 5);
}

TEST_CASE("the strict reader refuses what a scraper would stumble over") {
    struct Row {
        std::string name, text;
    };
    const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
    const std::string histogram = "# HELP h x\n# TYPE h histogram\n";
    for (const Row& row :
         {Row{"no end", head + "a_total 1"}, Row{"twice", head + "a_total 1\na_total 1\n"},
          Row{"a family twice", head + "a_total 1\n" + head}, Row{"no type", "a_total 1\n"},
          Row{"below zero", head + "a_total -1\n"}, Row{"no number", head + "a_total x\n"},
          Row{"a bad escape", head + "a_total{l=\"\\x\"} 1\n"},
          Row{"an open quote", head + "a_total{l=\"x} 1\n"},
          Row{"falling buckets",
              histogram + "h_count 1\nh_sum 1\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\n"},
          Row{"no +Inf", histogram + "h_count 1\nh_sum 1\nh_bucket{le=\"1\"} 1\n"},
          Row{"a wrong count", histogram + "h_count 2\nh_sum 1\nh_bucket{le=\"+Inf\"} 1\n"}}) {
        CAPTURE(row.name);
        CHECK_THROWS_AS(parse_exposition(row.text), std::runtime_error);
    }
    CHECK(parse_exposition(head + "a_total{l=\"\\\\\\\"\\n\"} 1\n").sum("a_total") == 1);
}
