#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <string>

#include "config/settings.h"

namespace {

using namespace config;
using namespace config::literals;

using Variables = std::map<std::string, std::string>;

Loaded load_with(const Variables& variables) {
    const auto variable = [&](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
    return load({.variable = variable});
}

TEST_CASE("Piston's variables set the knobs that mean the same") {
    const auto settings = load_with({
                                        {"PISTON_LOG_LEVEL", "ERROR"},
                                        {"PISTON_BIND_ADDRESS", "0.0.0.0:2001"},
                                        {"PISTON_MAX_CONCURRENT_JOBS", "4"},
                                        {"PISTON_OUTPUT_MAX_SIZE", "1024"},
                                        {"PISTON_MAX_PROCESS_COUNT", "256"},
                                        {"PISTON_MAX_OPEN_FILES", "100"},
                                        {"PISTON_MAX_FILE_SIZE", "1000"},
                                        {"PISTON_COMPILE_TIMEOUT", "20000"},
                                        {"PISTON_RUN_TIMEOUT", "5000"},
                                        {"PISTON_COMPILE_CPU_TIME", "-1"},
                                        {"PISTON_RUN_CPU_TIME", "4000"},
                                        {"PISTON_COMPILE_MEMORY_LIMIT", "-1"},
                                        {"PISTON_RUN_MEMORY_LIMIT", "100000000"},
                                    })
                              .settings;
    CHECK(settings.log_level == LogLevel::error);
    CHECK(settings.server.listen == "0.0.0.0:2001");
    CHECK(settings.admission.concurrent_jobs == 4);

    auto compile = StageLimits{}.compile;
    compile.wall_time = Milliseconds{20'000};
    compile.cpu_time = unlimited_time;
    compile.memory = unlimited_bytes;
    compile.processes = 256;
    compile.open_files = 100;
    compile.file_size = 1000_B;
    compile.output = 1024_B;
    CHECK(settings.limits.compile == compile);

    auto run = StageLimits{}.run;
    run.wall_time = Milliseconds{5000};
    run.cpu_time = Milliseconds{4000};
    run.memory = 100'000'000_B;
    run.processes = 256;
    run.open_files = 100;
    run.file_size = 1000_B;
    run.output = 1024_B;
    CHECK(settings.limits.run == run);
}

TEST_CASE("of Piston's numbers only the leading digits count") {
    struct Row {
        const char* raw;
        Milliseconds expected;
    };
    const Row rows[] = {
        {"12abc", Milliseconds{12}}, {" 12", Milliseconds{12}},    {"+12", Milliseconds{12}},
        {"12.9", Milliseconds{12}},  {"007", Milliseconds{7}},     {"-1", unlimited_time},
        {"-1.5", unlimited_time},    {"12 000", Milliseconds{12}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.raw);
        const auto loaded = load_with({{"PISTON_RUN_TIMEOUT", row.raw}});
        CHECK(loaded.settings.limits.run.wall_time == row.expected);
    }
}

TEST_CASE("a zero from Piston leaves the limit as it is and says so") {
    const auto loaded = load_with({{"PISTON_RUN_TIMEOUT", "0"}});
    CHECK(loaded.settings == Settings{});
    REQUIRE(loaded.notes.size() == 1);
    CHECK(loaded.notes.front() ==
          "PISTON_RUN_TIMEOUT is 0 and leaves limits.run.wall_time as it is; -1 would be no limit");
}

TEST_CASE("what Piston refuses is refused in its words") {
    struct Row {
        std::string name;
        Variables variables;
        std::string expected;
    };
    const Row rows[] = {
        {"no digits", {{"PISTON_RUN_TIMEOUT", "abc"}}, "abc is not a number"},
        {"no directory",
         {{"PISTON_DATA_DIRECTORY", "/no/such"}},
         "Directory /no/such does not exist"},
        {"nothing", {{"PISTON_RUN_TIMEOUT", ""}}, "an empty text is not a number"},
        {"an unused number", {{"PISTON_RUNNER_UID_MIN", "x"}}, "x is not a number"},
        {"a level in lower case", {{"PISTON_LOG_LEVEL", "info"}}, "Log level info does not exist"},
        {"no jobs", {{"PISTON_MAX_CONCURRENT_JOBS", "0"}}, "0 cannot be negative"},
        {"minus jobs", {{"PISTON_MAX_CONCURRENT_JOBS", "-1"}}, "-1 cannot be negative"},
        {"a limit below -1", {{"PISTON_RUN_TIMEOUT", "-5"}}, "limits.run.wall_time cannot be"},
        {"no port", {{"PISTON_BIND_ADDRESS", "0.0.0.0"}}, "server.listen cannot be"},
        {"a network", {{"PISTON_DISABLE_NETWORKING", "false"}}, "jobs never have"},
        {"a network, meant otherwise", {{"PISTON_DISABLE_NETWORKING", "1"}}, "jobs never have"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto& variable = row.variables.begin()->first;
        auto option = variable.substr(std::string_view("PISTON_").size());
        std::ranges::transform(option, option.begin(),
                               [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto begin =
            "environment " + variable + ": Config option " + option + " failed validation: ";
        CHECK_THROWS_WITH_AS(load_with(row.variables), doctest::Contains(row.expected.c_str()),
                             PistonSettingsError);
        CHECK_THROWS_WITH_AS(load_with(row.variables), doctest::Contains(begin.c_str()),
                             PistonSettingsError);
    }
}

TEST_CASE("a refusal of Piston's is its sentence to the letter") {
    CHECK_THROWS_WITH_AS(load_with({{"PISTON_RUN_TIMEOUT", "abc"}}),
                         "environment PISTON_RUN_TIMEOUT: Config option run_timeout failed "
                         "validation: abc is not a number",
                         PistonSettingsError);
    CHECK_THROWS_WITH_AS(load_with({{"PISTON_LIMIT_OVERRIDES", R"({"c":{"run_timeout":"x"}})"}}),
                         "environment PISTON_LIMIT_OVERRIDES: Config option limit_overrides failed "
                         "validation: In overridden option run_timeout for c, x is not a number",
                         PistonSettingsError);
}

TEST_CASE("PORT is a port behind the address that is listened on anyway") {
    struct Row {
        std::string name;
        Variables variables;
        std::string expected;
    };
    const Row rows[] = {
        {"alone", {{"PORT", "3000"}}, "127.0.0.1:3000"},
        {"nothing", {{"PORT", ""}}, "127.0.0.1:2000"},
        {"beneath Piston's address",
         {{"PORT", "3000"}, {"PISTON_BIND_ADDRESS", "0.0.0.0:2001"}},
         "0.0.0.0:2001"},
        {"beneath our variable",
         {{"PORT", "3000"}, {"CRANKCASE_SERVER_LISTEN", "[::1]:2002"}},
         "[::1]:2002"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(load_with(row.variables).settings.server.listen == row.expected);
    }
    for (const std::string port : {"x", "70000", "-1", "1 2"}) {
        CAPTURE(port);
        CHECK_THROWS_AS(load_with({{"PORT", port}}), PistonSettingsError);
    }
}

TEST_CASE("variables of Piston without a meaning here are accepted and noted") {
    const auto loaded = load_with({{"PISTON_RUNNER_UID_MIN", "1001"},
                                   {"PISTON_RUNNER_UID_MAX", "1500"},
                                   {"PISTON_RUNNER_GID_MIN", "1001"},
                                   {"PISTON_RUNNER_GID_MAX", "1500"},
                                   {"PISTON_DISABLE_NETWORKING", "true"}});
    CHECK(loaded.settings == Settings{});
    CHECK(loaded.notes.size() == 4);
}

TEST_CASE("the data directory and the index of Piston are ours as well") {
    const auto loaded = load_with(
        {{"PISTON_DATA_DIRECTORY", "/tmp"}, {"PISTON_REPO_URL", "http://repo.example/index"}});
    CHECK(loaded.settings.paths.data_directory == "/tmp");
    CHECK(loaded.settings.packages.index == "http://repo.example/index");
}

TEST_CASE("limits of languages come as JSON from either variable, merged limit by limit") {
    const auto loaded = load_with(
        {{"PISTON_LIMIT_OVERRIDES",
          R"({"c++": {"run_timeout": 5000, "max_file_size": "12abc"}, "csharp.net": {}})"},
         {"CRANKCASE_LIMITS_OVERRIDES",
          R"({"c++": {"run_timeout": -1}, "java": {"run_cpu_time": 0}})"}});
    const auto expected = std::map<std::string, LimitOverrides>{
        {"c++", {{"max_file_size", 12}, {"run_timeout", -1}}},
        {"java", {{"run_cpu_time", 0}}},
    };
    CHECK(loaded.settings.limit_overrides == expected);
    CHECK(loaded.shown.back().origin == "environment CRANKCASE_LIMITS_OVERRIDES");
}

TEST_CASE("limits of languages that cannot be used are refused in Piston's words") {
    struct Row {
        std::string name;
        const char* json;
        const char* expected;
    };
    const Row rows[] = {
        {"no JSON", "{", "Failed to parse the overrides"},
        {"nothing", "", "Failed to parse the overrides"},
        {"a list", "[]", "Failed to parse the overrides"},
        {"a language without limits", R"({"c": 5})", "Failed to parse the overrides"},
        {"an unknown limit", R"({"c": {"timeout": 5}})", "Failed to parse the overrides"},
        {"no number", R"({"c": {"run_timeout": "x"}})",
         "In overridden option run_timeout for c, x is not a number"},
        {"a fraction", R"({"c": {"run_timeout": 1.5}})",
         "In overridden option run_timeout for c, the value is not a whole number"},
        {"null", R"({"c": {"run_timeout": null}})", "In overridden option run_timeout for c, "},
        {"too small", R"({"c": {"run_timeout": -2}})", "limits.overrides.c.run_timeout cannot be"},
        {"no language", R"({"": {"run_timeout": 2}})", "there is no setting"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_THROWS_WITH_AS(load_with({{"PISTON_LIMIT_OVERRIDES", row.json}}),
                             doctest::Contains(row.expected), SettingsError);
    }
}

TEST_CASE("JSON nested without end is refused, not followed") {
    const auto deep = std::string(200'000, '[');
    CHECK_THROWS_AS(load_with({{"PISTON_LIMIT_OVERRIDES", deep}}), SettingsError);
    const auto closed = R"({"c": {"run_timeout": )" + deep + std::string(200'000, ']') + "}}";
    CHECK_THROWS_AS(load_with({{"PISTON_LIMIT_OVERRIDES", closed}}), SettingsError);
}

}  // namespace
