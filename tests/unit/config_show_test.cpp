#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "config/knobs.h"
#include "config/settings.h"
#include "config/show.h"

namespace {

using namespace config;
using Pairs = std::vector<std::pair<std::string, std::string>>;

Loaded load_with(Pairs flags) {
    return load({.flags = std::move(flags)});
}

std::string shown(const Loaded& loaded, const std::string& key) {
    const auto rows = rows_of(loaded.shown, key);
    return rows.size() == 1 ? rows.front().value : "";
}

const std::string secret = "abcdefghijklmnopqrstuvwxyz";

TEST_CASE("a secret is shown as set, and of an address only the password is hidden") {
    const auto loaded = load_with({{"packages.token", secret},
                                   {"packages.npm", "https://me:" + secret + "@npm.example/a@b"},
                                   {"packages.go", "https://go.example/a@b"}});
    CHECK(shown(loaded, "packages.token") == "(set)");
    CHECK(shown(loaded, "packages.npm") == "https://(set)@npm.example/a@b");
    CHECK(shown(loaded, "packages.go") == "https://go.example/a@b");
    CHECK(shown(load({}), "packages.token").empty());
    CHECK(text_of(loaded.shown).find(secret) == std::string::npos);
    CHECK(json_of(loaded.shown).find(secret) == std::string::npos);
    CHECK(loaded.settings.packages.token == secret);
}

TEST_CASE("a secret with a mistake in it is refused without being told") {
    for (const std::string key : {"packages.token", "packages.npm"}) {
        CAPTURE(key);
        try {
            load_with({{key, secret + " !"}});
            FAIL("it was taken");
        } catch (const SettingsError& error) {
            const auto sentence = std::string(error.what());
            CHECK(sentence.find(key + " cannot be what was given: it needs") != std::string::npos);
            CHECK(sentence.find(secret) == std::string::npos);
        }
    }
}

TEST_CASE("one key, a section or everything is shown, and nothing of what only begins like it") {
    const auto rows = load_with({{"limits.overrides.csharp.net.run_timeout", "5"}}).shown;
    CHECK(rows_of(rows, "").size() == rows.size());
    CHECK(rows_of(rows, "server.listen").size() == 1);
    CHECK(rows_of(rows, "facade").size() == 7);
    CHECK(rows_of(rows, "limits.overrides").size() == 1);
    CHECK(rows_of(rows, "server.lis").empty());
    CHECK(rows_of(rows, "serve").empty());
    CHECK(rows_of(rows, "server.").empty());
}

TEST_CASE("a line tells the value, its origin, and whether a reload is not enough") {
    const auto rows = load_with({{"limits.run.wall_time", "5s"}}).shown;
    CHECK(text_of(rows_of(rows, "limits.run.wall_time")) ==
          "limits.run.wall_time             = 5s                   # flag --set "
          "limits.run.wall_time\n");
    CHECK(text_of(rows_of(rows, "pool.runners")) ==
          "pool.runners                     = 8                    # default; needs a restart\n");
}

TEST_CASE("as JSON each row is an object") {
    const auto rows = rows_of(load({}).shown, "server.listen");
    const auto json = nlohmann::json::parse(json_of(rows));
    REQUIRE(json.size() == 1);
    CHECK(json[0]["key"] == "server.listen");
    CHECK(json[0]["value"] == "127.0.0.1:2000");
    CHECK(json[0]["origin"] == "default");
    CHECK(json[0]["reloadable"] == false);
}

TEST_CASE("no byte of a language's name steers a terminal or breaks the JSON") {
    const auto rows =
        rows_of(load_with({{"limits.overrides.a\x1b[31m\n\xff.run_timeout", "5"}}).shown,
                "limits.overrides");
    REQUIRE(rows.size() == 1);
    CHECK(text_of(rows).starts_with("limits.overrides.a?[31m?"));
    CHECK(nlohmann::json::parse(json_of(rows)).size() == 1);
}

TEST_CASE("a reload takes what may change, names what needs a restart, and keeps that") {
    const auto current = load_with({{"instance", "one"}}).settings;
    const auto fresh = load_with({{"instance", "two"},
                                  {"server.listen", "127.0.0.1:1"},
                                  {"pool.runners", "64"},
                                  {"paths.data_directory", "/x"},
                                  {"log_level", "debug"},
                                  {"server.cors_origins", "https://a.example"},
                                  {"facade.rate_limit", "1"},
                                  {"packages.api", "off"},
                                  {"limits.run.wall_time", "5s"},
                                  {"limits.overrides.c.run_timeout", "7"}})
                           .settings;
    const auto [settings, changed, needs_restart] = reloaded(current, fresh);
    CHECK(needs_restart == std::vector<std::string>{"instance", "server.listen", "pool.runners",
                                                    "paths.data_directory"});
    CHECK(changed == std::vector<std::string>{"log_level", "server.cors_origins",
                                              "facade.rate_limit", "packages.api",
                                              "limits.run.wall_time", "limits.overrides"});
    auto expected = fresh;
    expected.instance = current.instance;
    expected.server.listen = current.server.listen;
    expected.pool = current.pool;
    expected.paths = current.paths;
    CHECK(settings == expected);

    const auto again = reloaded(settings, settings);
    CHECK(again.settings == settings);
    CHECK(again.changed.empty());
    CHECK(again.needs_restart.empty());
}

}  // namespace
