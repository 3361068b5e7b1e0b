#include "engine/warm.h"

#include <doctest/doctest.h>

#include "engine/command.h"

using engine::Demand;
using engine::Job;
using engine::warm_start_of;
using namespace std::chrono_literals;

namespace {

const Demand::Time start_of_time{1h};

Job job_of(packages::Script run) {
    auto runtime = std::make_shared<engine::Runtime>();
    runtime->language = "python";
    runtime->version = "3.11.2";
    runtime->run = std::move(run);
    Job job;
    job.runtime = std::move(runtime);
    job.files = {{.name = "main.py", .content = "print(1)", .is_code = true}};
    return job;
}

Job with_gate() {
    return job_of({.argv = {"/usr/bin/python3", "{main}", "{args}"},
                   .text = {},
                   .warm = {.kind = packages::Warm::Kind::gate}});
}

}  // namespace

TEST_CASE("nothing is started ahead for a program that nobody has asked for") {
    const Demand demand;
    CHECK(demand.wanted(start_of_time, 50ms) == 0);
    CHECK(demand.per_second(start_of_time) == 0);
}

TEST_CASE("one that was asked for stands ready until nobody has come for ten minutes") {
    Demand demand;
    demand.note(start_of_time);
    CHECK(demand.wanted(start_of_time, 50ms) > 0);
    CHECK(demand.wanted(start_of_time + 9min, 50ms) > 0);
    CHECK(demand.wanted(start_of_time + 11min, 50ms) == 0);
}

TEST_CASE("the more come while one is started, the more stand ready") {
    Demand seldom, often;
    auto now = start_of_time;
    for (int second = 0; second < 300; ++second) {
        now += 1s;
        seldom.note(now);
        for (int i = 0; i < 40; ++i) often.note(now);
    }
    CHECK(seldom.per_second(now) == doctest::Approx(1).epsilon(0.1));
    CHECK(often.per_second(now) == doctest::Approx(40).epsilon(0.1));
    CHECK(seldom.wanted(now, 50ms) == 1);
    CHECK(often.wanted(now, 50ms) == 3);
    CHECK(often.wanted(now, 500ms) > often.wanted(now, 50ms));
    CHECK(often.per_second(now + 30s) < often.per_second(now) / 2);
}

TEST_CASE("the same command in the same box is the same start, and any other is another") {
    const auto usual = warm_start_of(with_gate());
    REQUIRE(usual.has_value());
    CHECK(usual->key.main == "main.py");
    CHECK(usual->key.command.argv == std::vector<std::string>{"/usr/bin/python3", "main.py"});
    auto other_code = with_gate();
    other_code.files[0].content = "print(2)";
    other_code.stdin_text = "input";
    CHECK(warm_start_of(other_code) == usual);

    auto with_arguments = with_gate();
    with_arguments.arguments = {"x"};
    auto other_name = with_gate();
    other_name.files[0].name = "other.py";
    auto more_memory = with_gate();
    more_memory.limits.run.memory.count *= 2;
    auto more_disk = with_gate();
    more_disk.limits.run.disk.count /= 2;
    for (const auto& unusual : {with_arguments, other_name, more_memory, more_disk}) {
        REQUIRE(warm_start_of(unusual).has_value());
        CHECK(warm_start_of(unusual) != usual);
    }
}

TEST_CASE("what is run first is part of the start, and nothing of a start for its own job") {
    packages::Script script{.argv = {"/usr/bin/node", "{main}", "{args}"},
                            .text = {},
                            .warm = {.kind = packages::Warm::Kind::gate,
                                     .prime = "require('net')",
                                     .primed_by = "NODE_OPTIONS=--require {prime}",
                                     .max_age = 20s,
                                     .memory = {}}};
    const auto job = job_of(script);
    const auto start = warm_start_of(job);
    REQUIRE(start.has_value());
    CHECK(start->prime == "require('net')");
    CHECK(start->max_age == 20s);
    const auto own = engine::command_of(job, engine::Stage::run);
    CHECK(start->key.command.argv == own.argv);
    CHECK(start->key.command.environment.size() == own.environment.size() + 1);
    CHECK(start->key.command.environment.back() ==
          "CRANKCASE_GIVEN=NODE_OPTIONS=--require /box/prime");
    script.warm.prime = "require('tty')";
    CHECK(warm_start_of(job_of(script)) != start);
}

TEST_CASE("a program that may be forked is started alone as well") {
    auto runtime = *with_gate().runtime;
    runtime.run.warm.kind = packages::Warm::Kind::zygote;
    const auto start = warm_start_of(job_of(runtime.run));
    const auto alone = warm_start_of(with_gate());
    REQUIRE(start.has_value());
    CHECK(start->can_fork);
    CHECK(!alone->can_fork);
    CHECK(start->key == alone->key);
}

TEST_CASE("a program stops at the name of its main file, wherever that stands") {
    auto job = with_gate();
    job.files[0].name = "source/program.py";
    const auto start = warm_start_of(job);
    REQUIRE(start.has_value());
    CHECK(start->key.main == "program.py");
    CHECK(start->key.command.argv.back() == "source/program.py");
}

TEST_CASE("what is forked is of one key; what is started for one job may be anybody's") {
    auto one = with_gate();
    auto other = with_gate();
    one.asker.key = "one";
    other.asker.key = "other";
    CHECK(warm_start_of(one) == warm_start_of(other));
    for (auto* job : {&one, &other}) {
        auto runtime = *job->runtime;
        runtime.run.warm.kind = packages::Warm::Kind::zygote;
        job->runtime = std::make_shared<const engine::Runtime>(runtime);
    }
    CHECK(warm_start_of(one) != warm_start_of(other));
    CHECK(warm_start_of(one) == warm_start_of(one));
}

TEST_CASE("a zygote is worth its start when three have come in half a minute") {
    Demand demand;
    demand.note(start_of_time);
    demand.note(start_of_time + 1s);
    CHECK(!demand.is_brisk(start_of_time + 1s));
    demand.note(start_of_time + 2s);
    demand.note(start_of_time + 3s);
    CHECK(demand.is_brisk(start_of_time + 3s));
    CHECK(!demand.is_brisk(start_of_time + 60s));
}

TEST_CASE("nothing can be started ahead of a job that needs something else first") {
    CHECK(!warm_start_of(job_of({.argv = {"/usr/bin/python3", "{main}"}, .text = {}})));
    CHECK(!warm_start_of(job_of({.argv = {},
                                 .text = "exec python3 \"$@\"",
                                 .warm = {.kind = packages::Warm::Kind::gate}})));
    auto on_terminal = with_gate();
    on_terminal.terminal = isolate::WindowSize{80, 24};
    CHECK(!warm_start_of(on_terminal));
    auto compiled = with_gate();
    auto runtime = *compiled.runtime;
    runtime.compile = packages::Script{.argv = {"/usr/bin/cc", "{main}"}, .text = {}};
    compiled.runtime = std::make_shared<const engine::Runtime>(runtime);
    CHECK(!warm_start_of(compiled));
}

TEST_CASE("of a job that is compiled the compiler is started ahead, whatever comes behind it") {
    auto job = with_gate();
    auto runtime = *job.runtime;
    runtime.compile = packages::Script{.argv = {"/usr/bin/cc", "{files}"},
                                       .text = {},
                                       .warm = {.kind = packages::Warm::Kind::gate,
                                                .prime = "a.c",
                                                .primed_by = "SAMPLES={prime}",
                                                .memory = {}}};
    job.runtime = std::make_shared<const engine::Runtime>(runtime);
    job.limits.compile.memory = {1000};
    const auto start = warm_start_of(job);
    REQUIRE(start.has_value());
    const auto own = engine::command_of(job, engine::Stage::compile);
    CHECK(start->key.command.argv == own.argv);
    CHECK(start->key.command.limits == own.limits);
    CHECK(start->key.command.environment.back() == "CRANKCASE_GIVEN=SAMPLES=/box/prime");
    CHECK(start->key.main == "main.py");
    CHECK(start->prime == "a.c");
    CHECK(start->box == engine::box_size(job));
    auto on_terminal = job;
    on_terminal.terminal = isolate::WindowSize{80, 24};
    on_terminal.arguments = {"x"};
    CHECK(warm_start_of(on_terminal) == start);
    auto by_script = job;
    runtime.compile->text = "exec cc \"$@\"";
    by_script.runtime = std::make_shared<const engine::Runtime>(runtime);
    CHECK(warm_start_of(by_script) == start);
    job.files.push_back({.name = "more.py", .content = "x", .is_code = true});
    CHECK(warm_start_of(job).has_value());
    CHECK(warm_start_of(job) != start);
    by_script.files = job.files;
    CHECK(!warm_start_of(by_script));
}
