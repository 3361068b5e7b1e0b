#include "engine/classify.h"

#include <doctest/doctest.h>

#include <string>

using engine::classify;
using engine::Verdict;
using isolate::Cause;
using isolate::Exit;
using isolate::Usage;
using namespace std::chrono_literals;
using namespace config::literals;

TEST_CASE("the cause of death names the verdict") {
    struct Row {
        std::string name;
        Exit exit;
        Usage usage;
        Verdict expected;
    };
    const Row rows[] = {
        {"exit 0", {.cause = Cause::own_exit, .code = 0}, {}, Verdict::passed},
        {"exit 3", {.cause = Cause::own_exit, .code = 3}, {}, Verdict::failed},
        {"exit 137 is an exit, not a kill",
         {.cause = Cause::own_exit, .code = 137},
         {},
         Verdict::failed},
        {"a signal of its own", {.cause = Cause::own_signal, .code = 11}, {}, Verdict::signaled},
        {"SIGKILL that was not ours",
         {.cause = Cause::own_signal, .code = 9},
         {},
         Verdict::signaled},
        {"killed by us on time",
         {.cause = Cause::wall_clock, .code = 9},
         {},
         Verdict::wall_timed_out},
        {"killed by us on CPU time",
         {.cause = Cause::cpu_clock, .code = 9},
         {},
         Verdict::cpu_timed_out},
        {"killed by the kernel on memory",
         {.cause = Cause::own_signal, .code = 9},
         {.oom_kills = 1},
         Verdict::out_of_memory},
        {"a child killed on memory, the parent carried on",
         {.cause = Cause::own_exit, .code = 1},
         {.oom_kills = 2},
         Verdict::out_of_memory},
        {"memory outranks our own kill, which it may have caused",
         {.cause = Cause::wall_clock, .code = 9},
         {.oom_kills = 1},
         Verdict::out_of_memory},
        {"too much output",
         {.cause = Cause::standard_out, .code = 9},
         {},
         Verdict::too_much_stdout},
        {"too many complaints",
         {.cause = Cause::standard_err, .code = 9},
         {},
         Verdict::too_much_stderr},
        {"nobody waits any more", {.cause = Cause::canceled, .code = 9}, {}, Verdict::canceled},
        {"PID 1 killed from outside is no fault of the program",
         {.cause = Cause::lost, .code = 9},
         {},
         Verdict::broken},
        {"PID 1 killed for memory",
         {.cause = Cause::lost, .code = 9},
         {.oom_kills = 1},
         Verdict::out_of_memory},
        {"never started", {.cause = Cause::not_started}, {}, Verdict::broken},
        {"ended by itself, over the CPU limit",
         {.cause = Cause::own_exit, .code = 0},
         {.cpu_time = 4s},
         Verdict::cpu_timed_out},
        {"ended by itself, over the wall limit",
         {.cause = Cause::own_exit, .code = 0, .wall_time = 4s},
         {},
         Verdict::wall_timed_out},
    };
    const config::Limits limits{.wall_time = 3s, .cpu_time = 3s};
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(classify(row.exit, row.usage, limits) == row.expected);
    }
}

TEST_CASE("who has no limit of time does not pass it") {
    config::Limits limits;
    limits.cpu_time = limits.wall_time = config::unlimited_time;
    isolate::Usage usage;
    usage.cpu_time = std::chrono::hours{1};
    const isolate::Exit exit{.cause = isolate::Cause::own_exit,
                             .code = 0,
                             .fault = {},
                             .wall_time = std::chrono::hours{2}};
    CHECK(engine::classify(exit, usage, limits) == engine::Verdict::passed);
}
