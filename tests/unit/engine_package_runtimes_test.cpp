#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/package_runtimes.h"
#include "engine/pins.h"
#include "isolate/sys/error.h"
#include "packages/finish.h"
#include "packages/piston.h"

namespace {

using engine::Runtime;
using packages::Record;

packages::Provided provided(const std::string& language) {
    packages::Provided result;
    result.language = language;
    result.run.argv = {"/usr/bin/" + language, "{main}"};
    return result;
}

Record package(const std::string& name, const std::vector<std::string>& languages) {
    Record record{.name = name, .version = "1.2.3"};
    record.layers = {{name + "-layer", "sha256:00", 1}};
    if (name != "base") record.depends = {"base"};
    for (const auto& language : languages) record.provides.push_back(provided(language));
    return record;
}

std::shared_ptr<const Runtime> runtime(const std::string& language, const std::string& version) {
    auto result = std::make_shared<Runtime>();
    result->language = language;
    result->version = version;
    return result;
}

}  // namespace

TEST_CASE("a package's runtimes have its root, a path, and limits like all others") {
    auto toy = package("toy", {"toy"});
    toy.provides[0].limits = {{"run_timeout", 5000}};
    config::Settings settings;
    settings.limit_overrides["toy"] = {{"compile_timeout", 7000}};
    const auto runtimes = engine::runtimes_of({package("base", {}), toy}, settings);
    REQUIRE(runtimes.size() == 1);
    const auto& one = *runtimes[0];
    CHECK(one.version == "1.2.3");
    CHECK(*one.layers == std::vector<std::string>{"toy-layer", "base-layer"});
    CHECK(one.environment == std::vector<std::string>{"PATH=/usr/local/bin:/usr/bin:/bin"});
    CHECK(one.limits.run.wall_time == config::Milliseconds{5000});
    CHECK(one.limits.compile.wall_time == config::Milliseconds{7000});
    CHECK_FALSE(one.package.has_value());
}

TEST_CASE("the languages of one package share one root and name their package") {
    const auto runtimes = engine::runtimes_of({package("base", {}), package("gcc", {"c", "c++"})},
                                              config::Settings{});
    REQUIRE(runtimes.size() == 2);
    CHECK(runtimes[0]->layers == runtimes[1]->layers);
    CHECK(runtimes[1]->package == "gcc");
}

TEST_CASE("a package that is not finished, or lacks another, serves nobody yet") {
    auto pending = package("pending", {"a"});
    pending.pending_setup = "true";
    auto dreaming = package("dreaming", {"b"});
    dreaming.pending_environment = "true";
    auto lonely = package("lonely", {"c"});
    lonely.depends = {"nothing"};
    CHECK(engine::runtimes_of({package("base", {}), pending, dreaming, lonely}, config::Settings{})
              .empty());
}

TEST_CASE("an installed package takes the place of the host's same version, and of no other") {
    engine::Runtimes host;
    host.all = {runtime("toy", "1.2.3"), runtime("toy", "1.2.4"), runtime("other", "1.2.3")};
    const auto both = engine::merged({runtime("toy", "1.2.3")}, host, config::Pins::known);
    REQUIRE(both->all.size() == 3);
    CHECK(both->all[1]->version == "1.2.4");
    CHECK(both->all[2]->language == "other");
    CHECK(both->pins == config::Pins::known);
}

TEST_CASE("a pinned version runs on the nearest that is installed, if that is wanted") {
    struct Row {
        std::string name;
        config::Pins pins;
        std::string language, version, expected;
    };
    const Row rows[] = {
        {"refused by default", config::Pins::no, "python", "3.10.0", ""},
        {"the next newer of the same major", config::Pins::known, "python", "3.10.0", "3.11.2"},
        {"an installed one as it is", config::Pins::known, "python", "3.13.1", "3.13.1"},
        {"a range is no pin", config::Pins::any, "python", "3.10.x", ""},
        {"one that nobody is known to send", config::Pins::known, "python", "3.10.7", ""},
        {"any exact version", config::Pins::any, "python", "3.10.7", "3.11.2"},
        {"the newest older one", config::Pins::any, "python", "3.99.0", "3.13.1"},
        {"another major, newer first", config::Pins::any, "python", "1.0.0", "2.7.18"},
        {"another major, else older", config::Pins::any, "python", "4.0.0", "3.13.1"},
        {"an unknown language", config::Pins::any, "cobol", "1.0.0", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        engine::Runtimes runtimes;
        runtimes.pins = row.pins;
        runtimes.all = {runtime("python", "3.13.1"), runtime("python", "2.7.18"),
                        runtime("python", "3.11.2")};
        const auto found = runtimes.find(row.language, row.version);
        CHECK((found ? found->version : "") == row.expected);
    }
    CHECK(engine::is_known_pin("cpp", "10.2.0"));
    CHECK_FALSE(engine::is_known_pin("cpp", "10.2"));
}

TEST_CASE("Piston's pkg-info becomes runtimes that are started as Piston starts them") {
    const auto lone = packages::piston_runtimes(
        R"({"language":"l","version":"1.0.0","aliases":["a"],"limit_overrides":{"run_timeout":1}})",
        "piston/packages/l/1.0.0", true);
    REQUIRE(lone.size() == 1);
    CHECK(lone[0].run.argv == std::vector<std::string>{"/bin/bash", "/piston/packages/l/1.0.0/run",
                                                       "{main}", "{args}"});
    CHECK(lone[0].compile->argv ==
          std::vector<std::string>{"/bin/bash", "/piston/packages/l/1.0.0/compile", "{files}"});
    CHECK(lone[0].limits.at("run_timeout") == 1);

    const auto several = packages::piston_runtimes(
        R"({"language":"x","provides":[{"language":"a"},{"language":"b","aliases":null}]})", "p",
        false);
    REQUIRE(several.size() == 2);
    CHECK(several[1].language == "b");
    CHECK_FALSE(several[1].compile.has_value());

    for (const std::string bad : {"", "[]", "{}", R"({"language":1})", R"({"provides":[{}]})"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(packages::piston_runtimes(bad, "p", false), sys::Error);
    }
}

TEST_CASE("an environment is taken over without what a shell makes for itself") {
    using namespace std::string_view_literals;
    CHECK(packages::parse_environment(
              "A=1\0PWD=/\0B=x\ny=z\0_=/bin/env\0SHLVL=1\0OLDPWD=/\0=x\0"sv) ==
          std::vector<std::string>{"A=1", "B=x\ny=z"});
    CHECK(packages::parse_environment("").empty());
}
