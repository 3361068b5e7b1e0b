#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

#include "config/limits.h"

namespace {

using namespace config;
using namespace config::literals;

TEST_CASE("every limit is held to its ceiling") {
    const auto unlimited = Limits{
        .wall_time = unlimited_time,
        .cpu_time = unlimited_time,
        .memory = unlimited_bytes,
        .processes = unlimited_count,
        .open_files = unlimited_count,
        .file_size = unlimited_bytes,
        .disk = unlimited_bytes,
        .disk_entries = unlimited_count,
        .output = unlimited_bytes,
        .cpu_percent = 0,
    };
    const auto ceiling = Limits{
        .wall_time = Milliseconds{1},
        .cpu_time = Milliseconds{2},
        .memory = 3_MiB,
        .processes = 4,
        .open_files = 5,
        .file_size = 6_B,
        .disk = 7_MiB,
        .disk_entries = 8,
        .output = 9_B,
        .cpu_percent = 10,
    };
    CHECK(unlimited.within(ceiling) == ceiling);
    CHECK(ceiling.within(unlimited) == ceiling);
    CHECK(unlimited.within(unlimited) == unlimited);
}

TEST_CASE("a limit below its ceiling stays while others are held") {
    auto asked = Limits{.wall_time = Milliseconds{100}, .memory = 1_GiB};
    asked = asked.within(Limits{});
    CHECK(asked.wall_time == Milliseconds{100});
    CHECK(asked.memory == Limits{}.memory);
}

TEST_CASE("no quota is the largest quota") {
    struct Row {
        std::string name;
        int asked, ceiling, expected;
    };
    const Row rows[] = {
        {"none of either", 0, 0, 0},
        {"only the ceiling has one", 0, 50, 50},
        {"only the request has one", 50, 0, 50},
        {"the ceiling is lower", 80, 50, 50},
        {"the request is lower", 20, 50, 20},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto asked = Limits{.cpu_percent = row.asked};
        CHECK(asked.within(Limits{.cpu_percent = row.ceiling}).cpu_percent == row.expected);
    }
}

TEST_CASE("each override changes the limits it names and no other") {
    struct Row {
        std::string name;
        void (*expect)(StageLimits& limits);
    };
    const Row rows[] = {
        {"max_process_count", [](StageLimits& l) { l.compile.processes = l.run.processes = 777; }},
        {"max_open_files", [](StageLimits& l) { l.compile.open_files = l.run.open_files = 777; }},
        {"max_file_size", [](StageLimits& l) { l.compile.file_size = l.run.file_size = 777_B; }},
        {"compile_memory_limit", [](StageLimits& l) { l.compile.memory = 777_B; }},
        {"run_memory_limit", [](StageLimits& l) { l.run.memory = 777_B; }},
        {"compile_timeout", [](StageLimits& l) { l.compile.wall_time = Milliseconds{777}; }},
        {"run_timeout", [](StageLimits& l) { l.run.wall_time = Milliseconds{777}; }},
        {"compile_cpu_time", [](StageLimits& l) { l.compile.cpu_time = Milliseconds{777}; }},
        {"run_cpu_time", [](StageLimits& l) { l.run.cpu_time = Milliseconds{777}; }},
        {"output_max_size", [](StageLimits& l) { l.compile.output = l.run.output = 777_B; }},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto expected = StageLimits{};
        row.expect(expected);
        CHECK(is_limit_override(row.name));
        CHECK(with_overrides(StageLimits{}, {{row.name, 777}}) == expected);
    }
}

TEST_CASE("an override of -1 is unlimited and one of 0 keeps the limit") {
    const auto changed = with_overrides(StageLimits{}, {{"run_timeout", -1},
                                                        {"run_memory_limit", -1},
                                                        {"max_process_count", -1},
                                                        {"compile_timeout", 0},
                                                        {"output_max_size", 0}});
    CHECK(changed.run.wall_time == unlimited_time);
    CHECK(changed.run.memory == unlimited_bytes);
    CHECK(changed.run.processes == unlimited_count);
    CHECK(changed.compile.wall_time == StageLimits{}.compile.wall_time);
    CHECK(changed.run.output == StageLimits{}.run.output);
}

TEST_CASE("an override too large for any clock or counter is unlimited") {
    const auto huge = std::numeric_limits<std::int64_t>::max();
    const auto changed =
        with_overrides(StageLimits{}, {{"run_timeout", huge}, {"max_open_files", huge}});
    CHECK(changed.run.wall_time == unlimited_time);
    CHECK(changed.run.open_files == unlimited_count);
}

TEST_CASE("an override that is unknown or below -1 is refused by name") {
    CHECK_FALSE(is_limit_override("run_time"));
    CHECK_FALSE(is_limit_override(""));
    CHECK_THROWS_WITH_AS(with_overrides({}, {{"run_time", 1}}),
                         "there is no limit override named run_time", std::invalid_argument);
    CHECK_THROWS_WITH_AS(
        with_overrides({}, {{"run_timeout", -2}}),
        "the limit override run_timeout is -2; the least is -1, which means unlimited",
        std::invalid_argument);
}

}  // namespace
