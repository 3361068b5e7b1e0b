#include <doctest/doctest.h>

#include <set>
#include <string>

#include "config/knobs.h"
#include "config/settings.h"

namespace {

using namespace config;
using namespace config::literals;

using Pairs = std::vector<std::pair<std::string, std::string>>;

Sources environment(std::map<std::string, std::string> variables, Pairs flags = {}) {
    const auto variable = [=](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
    };
    return {.variable = variable, .flags = std::move(flags)};
}

Sources flags(Pairs flags) {
    return {.flags = std::move(flags)};
}

ShownSetting shown(const Loaded& loaded, const std::string& key) {
    for (const auto& row : loaded.shown) {
        if (row.key == key) return row;
    }
    return {};
}

TEST_CASE("without any source the settings are the defaults") {
    const auto loaded = load({});
    CHECK(loaded.settings == Settings{});
    CHECK(loaded.notes.empty());
    for (const auto& row : loaded.shown) {
        CAPTURE(row.key);
        CHECK(row.origin == "default");
        CHECK_FALSE(row.help.empty());
    }
}

TEST_CASE("every knob understands what it shows, and holds one member alone") {
    auto keys = std::set<std::string>{};
    auto variables = std::set<std::string>{};
    for (const auto& knob : all_knobs()) {
        CAPTURE(knob.key);
        CHECK(keys.insert(knob.key).second);
        CHECK(variables.insert(variable_of(knob.key)).second);
        auto settings = Settings{};
        CHECK(knob.set(settings, knob.get(settings)));
        CHECK(settings == Settings{});
    }
}

TEST_CASE("a knob that refuses a text leaves the settings alone") {
    for (const auto& knob : all_knobs()) {
        for (const auto* text : {"\n", "-7", "unlimited MiB", "99999999999999999999999", "a b"}) {
            CAPTURE(knob.key);
            CAPTURE(text);
            auto settings = Settings{};
            CHECK_FALSE(knob.set(settings, text));
            CHECK(settings == Settings{});
        }
    }
}

TEST_CASE("a variable is named after its key") {
    CHECK(variable_of("server.listen") == "CRANKCASE_SERVER_LISTEN");
    CHECK(variable_of("limits.run.wall_time") == "CRANKCASE_LIMITS_RUN_WALL_TIME");
    CHECK(variable_of("some-thing.x") == "CRANKCASE_SOME_THING_X");
}

TEST_CASE("variables and flags set any kind of value") {
    const auto loaded = load(environment({{"CRANKCASE_LOG_LEVEL", "warn"},
                                          {"CRANKCASE_SERVER_BODY_LIMIT", "32MiB"},
                                          {"CRANKCASE_POOL_FIRST_UID", "2000000"}},
                                         {{"limits.run.wall_time", "unlimited"},
                                          {"limits.compile.processes", "-1"},
                                          {"server.io_threads", "2"},
                                          {"pool.cgroup", "/crankcase"}}));
    CHECK(loaded.settings.log_level == LogLevel::warn);
    CHECK(loaded.settings.server.body_limit == 32_MiB);
    CHECK(loaded.settings.pool.first_uid == 2'000'000);
    CHECK(loaded.settings.limits.run.wall_time == unlimited_time);
    CHECK(loaded.settings.limits.compile.processes == unlimited_count);
    CHECK(loaded.settings.server.io_threads == 2);
    CHECK(loaded.settings.pool.cgroup == "/crankcase");
    CHECK(shown(loaded, "log_level").value == "warn");
    CHECK(shown(loaded, "log_level").origin == "environment CRANKCASE_LOG_LEVEL");
    CHECK(shown(loaded, "server.io_threads").origin == "flag --set server.io_threads");
}

TEST_CASE("of two flags for one key the last one counts") {
    const auto loaded = load(flags({{"instance", "first"}, {"instance", "second"}}));
    CHECK(loaded.settings.instance == "second");
}

TEST_CASE("a refusal names the place, the key, the value and what would do") {
    struct Row {
        std::string name;
        Pairs flags;
        const char* expected;
    };
    const Row rows[] = {
        {"out of range",
         {{"server.io_threads", "0"}},
         "flag --set server.io_threads: server.io_threads cannot be \"0\": it needs a whole number "
         "from 1 to 64"},
        {"no size",
         {{"server.body_limit", "unlimited"}},
         "flag --set server.body_limit: server.body_limit cannot be \"unlimited\": it needs a size "
         "such as \"64MiB\" from 1KiB to 1GiB"},
        {"no time",
         {{"limits.run.wall_time", "0s"}},
         "flag --set limits.run.wall_time: limits.run.wall_time cannot be \"0s\": it needs a time "
         "such as \"3s\" or \"250ms\" from 1ms to unlimited"},
        {"unknown key",
         {{"server.lisen", "x"}},
         "flag --set server.lisen: there is no setting \"server.lisen\""},
        {"a section", {{"server", "x"}}, "flag --set server: there is no setting \"server\""},
        {"control characters",
         {{"log_level", "a\nb\x1b[31m"}},
         "flag --set log_level: log_level cannot be \"a?b?[31m\": it needs debug, info, warn, "
         "error or none"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_THROWS_WITH_AS(load(flags(row.flags)), row.expected, SettingsError);
    }
}

TEST_CASE("an address is a host and a port") {
    for (const auto* text : {"127.0.0.1:2000", "0.0.0.0:0", "localhost:65535", "[::1]:80",
                             "[::]:2000", "a-b.example:1"}) {
        CAPTURE(text);
        CHECK(load(flags({{"server.listen", text}})).settings.server.listen == text);
    }
    for (const auto* text : {"", ":", ":2000", "2000", "localhost", "localhost:", "localhost:65536",
                             "localhost:-1", "localhost:+1", "localhost: 1", "localhost:1x",
                             "::1:2000", "[]:1", "[zz]:1", "a b:1", "a/b:1", "a:b:1"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(load(flags({{"server.listen", text}})), SettingsError);
    }
}

TEST_CASE("paths are absolute and names are plain") {
    for (const auto* key : {"paths.run_directory", "paths.recipes", "pool.cgroup"}) {
        for (const auto* text : {"relative", "/a/../b", "/a b", "/a\n"}) {
            CAPTURE(key);
            CAPTURE(text);
            CHECK_THROWS_AS(load(flags({{key, text}})), SettingsError);
        }
    }
    CHECK_THROWS_AS(load(flags({{"paths.run_directory", ""}})), SettingsError);
    CHECK(load(flags({{"paths.recipes", ""}})).settings.paths.recipes.empty());
    for (const auto* text :
         {"", "A", "1a", "a/b", "a.b", "a b", "..", "abcdefghijklmnopqrstuvwxyz1234567"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(load(flags({{"instance", text}})), SettingsError);
    }
}

TEST_CASE("of runners and jobs at once, the number that nobody gave follows the other") {
    const auto more_jobs = load(flags({{"admission.concurrent_jobs", "64"}}));
    CHECK(more_jobs.settings.pool.runners == 64);
    const auto fewer_runners = load(flags({{"pool.runners", "2"}}));
    CHECK(fewer_runners.settings.admission.concurrent_jobs == 2);
    const auto more_runners = load(flags({{"pool.runners", "16"}}));
    CHECK(more_runners.settings.admission.concurrent_jobs == 4);
}

TEST_CASE("fewer runners than jobs are refused if both were given, naming both keys") {
    CHECK_THROWS_WITH_AS(
        load(flags({{"pool.runners", "7"}, {"admission.concurrent_jobs", "64"}})),
        "pool.runners is 7 (flag --set pool.runners) but admission.concurrent_jobs is 64 "
        "(flag --set admission.concurrent_jobs): every job needs a runner, so raise "
        "the first or lower the second",
        SettingsError);
    const auto both = load(flags({{"admission.concurrent_jobs", "64"}, {"pool.runners", "64"}}));
    CHECK(both.settings.pool.runners == 64);
}

TEST_CASE("flags set limits of a language, also of one with dots in its name") {
    const auto loaded = load(flags({{"limits.overrides.csharp.net.run_timeout", "5000"},
                                    {"limits.overrides.java.max_process_count", "-1"}}));
    const auto expected = std::map<std::string, LimitOverrides>{
        {"csharp.net", {{"run_timeout", 5000}}},
        {"java", {{"max_process_count", -1}}},
    };
    CHECK(loaded.settings.limit_overrides == expected);
    CHECK(shown(loaded, "limits.overrides.csharp.net.run_timeout").value == "5000");
    CHECK(shown(loaded, "limits.overrides.java.max_process_count").origin ==
          "flag --set limits.overrides.java.max_process_count");
}

TEST_CASE("a limit of a language that makes no sense is refused") {
    const Pairs rows = {
        {"limits.overrides.java.run_time", "1"},
        {"limits.overrides.run_timeout", "1"},
        {"limits.overrides..run_timeout", "1"},
        {"limits.overridesx.c.run_timeout", "1"},
        {"limits.overrides", "{}"},
        {"limits.overrides.java.", "1"},
        {"limits.overrides.java.run_timeout", "-2"},
        {"limits.overrides.java.run_timeout", ""},
        {"limits.overrides.java.run_timeout", "5s"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.first);
        CAPTURE(row.second);
        CHECK_THROWS_AS(load(flags({row})), SettingsError);
    }
}

}  // namespace
