#include "engine/command.h"

#include <doctest/doctest.h>

#include <algorithm>

using engine::command_of;
using engine::Job;
using engine::Runtime;
using engine::Stage;

namespace {

Job job_with(Runtime runtime) {
    runtime.language = "lang";
    return {.id = "1",
            .runtime = std::make_shared<const Runtime>(std::move(runtime)),
            .files = {{.name = "data.bin", .content = "x", .is_code = false},
                      {.name = "main.x", .content = "y"},
                      {.name = "more.x", .content = "z"}},
            .arguments = {"a b", "", "$(c)"},
            .stdin_text = "",
            .limits = {}};
}

using Words = std::vector<std::string>;

bool has(const Words& environment, const std::string& variable) {
    return std::find(environment.begin(), environment.end(), variable) != environment.end();
}

}  // namespace

TEST_CASE("placeholders of a vector become whole arguments, never split or quoted") {
    const auto job =
        job_with({.run = {.argv = {"/usr/bin/x", "{main}", "--", "{args}"}, .text = ""}});
    CHECK(command_of(job, Stage::run).argv ==
          Words{"/usr/bin/x", "main.x", "--", "a b", "", "$(c)"});
}

TEST_CASE("a heap is two thirds of the stage's memory, and nobody's choice where that has no end") {
    auto job = job_with(
        {.compile = packages::Script{.argv = {"/usr/bin/x", "-Xmx{heap}", "{main}"}, .text = ""},
         .run = {.argv = {"/usr/bin/x", "-Xmx{heap}", "{main}"}, .text = ""}});
    job.limits.compile.memory = {3000};
    job.limits.run.memory = config::unlimited_bytes;
    CHECK(command_of(job, Stage::compile).argv == Words{"/usr/bin/x", "-Xmx2000", "main.x"});
    CHECK(command_of(job, Stage::run).argv == Words{"/usr/bin/x", "main.x"});
}

TEST_CASE("the compiler gets all code files and no data") {
    const auto job =
        job_with({.compile = packages::Script{.argv = {"/usr/bin/cc", "{files}"}, .text = ""}});
    CHECK(command_of(job, Stage::compile).argv == Words{"/usr/bin/cc", "main.x", "more.x"});
}

TEST_CASE("a script is called with the main file and the arguments, or with the code files") {
    const auto job = job_with({.compile = packages::Script{.argv = {}, .text = "cc \"$@\""},
                               .run = {.argv = {}, .text = "x \"$@\""}});
    CHECK(command_of(job, Stage::run).argv == Words{"/box/run", "main.x", "a b", "", "$(c)"});
    CHECK(command_of(job, Stage::compile).argv == Words{"/box/compile", "main.x", "more.x"});
}

TEST_CASE(
    "of a runtime with both ways, one code file takes the vector and several take the script") {
    auto job = job_with(
        {.compile = packages::Script{.argv = {"/usr/bin/cc", "{files}"}, .text = "cc \"$@\""}});
    CHECK(engine::needs_shell(job, Stage::compile));
    job.files.pop_back();
    CHECK_FALSE(engine::needs_shell(job, Stage::compile));
    CHECK(command_of(job, Stage::compile).argv == Words{"/usr/bin/cc", "main.x"});
}

TEST_CASE("a program sees the fixed environment, the runtime's, and its language") {
    const auto job =
        job_with({.environment = {"PATH=/usr/bin", "HOME=/elsewhere", "LIBC_FATAL_STDERR_="}});
    const auto environment = command_of(job, Stage::run).environment;
    CHECK(has(environment, "PATH=/usr/bin"));
    CHECK(has(environment, "HOME=/elsewhere"));
    CHECK_FALSE(has(environment, "HOME=/tmp"));
    CHECK_FALSE(has(environment, "LIBC_FATAL_STDERR_=1"));
    CHECK(has(environment, "PISTON_LANGUAGE=lang"));
    CHECK(has(environment, "CRANKCASE_MEMORY_LIMIT=268435456"));
}

TEST_CASE("args.args has an argument a line") {
    CHECK(engine::argument_lines(job_with({})) == "a b\n\n$(c)\n");
}

TEST_CASE("a script without an interpreter line gets one") {
    CHECK(engine::script_text({.argv = {}, .text = "exec x\n"}) == "#!/bin/sh\nexec x\n");
    CHECK(engine::script_text({.argv = {}, .text = "#!/bin/bash\nexec x\n"}) ==
          "#!/bin/bash\nexec x\n");
}

TEST_CASE("the run stage of a job with a terminal has it and is told its kind, the compiler not") {
    auto job =
        job_with({.compile = packages::Script{.argv = {"/usr/bin/cc", "{files}"}, .text = ""}});
    CHECK_FALSE(command_of(job, Stage::run).terminal.has_value());
    CHECK_FALSE(has(command_of(job, Stage::run).environment, "TERM=xterm-256color"));
    job.terminal = isolate::WindowSize{.rows = 30, .columns = 90};
    CHECK(command_of(job, Stage::run).terminal == job.terminal);
    CHECK(has(command_of(job, Stage::run).environment, "TERM=xterm-256color"));
    CHECK_FALSE(command_of(job, Stage::compile).terminal.has_value());
    CHECK_FALSE(has(command_of(job, Stage::compile).environment, "TERM=xterm-256color"));

    auto own = job_with({.environment = {"TERM=dumb"}});
    own.terminal = job.terminal;
    CHECK(has(command_of(own, Stage::run).environment, "TERM=dumb"));
    CHECK_FALSE(has(command_of(own, Stage::run).environment, "TERM=xterm-256color"));
}
