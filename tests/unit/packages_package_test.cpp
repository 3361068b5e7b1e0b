#include "packages/package.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <string>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/catalog.h"
#include "packages/version.h"

using packages::parse_package;

namespace {

const std::string whole = R"(
name = "toy"
version = "1.2.3"
summary = "A toy"
depends = ["base", "lower"]
links = { "usr/bin/toy" = "../lib/toy" }
files = { "etc/toy.conf" = "x = 1\n" }
remove = ["usr/share/doc"]
setup = "tar -c x"

[[source]]
npm = "@scope/toy@1.2.3"
digest = "sha512-AAAA"
into = "opt/toy"
strip = 1
architecture = "amd64"

[[source]]
debian = ["libtoy", "toy-data"]

[[provides]]
language = "toy"
aliases = ["t"]
extension = "ty"
environment = ["TOY=1"]
run = { argv = ["/opt/toy/toy", "{main}", "{args}"] }
compile = { script = "toyc \"$@\"" }
limits = { run_timeout = 5000 }
untested = { args = "it has none" }

[provides.tests]
hello = "say hello"

[provides.tests.modules]
"z.ty" = "use a"
"a.ty" = "a"

[libraries]
kind = "debian"
pattern = "toy-{name}"
setup = true
)";

std::string with(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    return text.replace(at, from.size(), to);
}

std::filesystem::path recipes() {
    return std::filesystem::path{__FILE__}.parent_path() / "../../packages/recipes";
}

}  // namespace

TEST_CASE("a package is read key by key") {
    const auto package = parse_package(whole, "toy.toml");
    CHECK(package.name == "toy");
    CHECK(package.version == "1.2.3");
    CHECK(package.depends == std::vector<std::string>{"base", "lower"});
    CHECK(package.links.at("usr/bin/toy") == "../lib/toy");
    CHECK(package.files.at("etc/toy.conf") == "x = 1\n");
    CHECK(package.setup == "tar -c x");
    REQUIRE(package.sources.size() == 2);
    CHECK(package.sources[0].kind == packages::Source::Kind::npm);
    CHECK(package.sources[0].what == std::vector<std::string>{"@scope/toy@1.2.3"});
    CHECK(package.sources[0].strip == 1);
    CHECK(package.sources[1].what.size() == 2);
    REQUIRE(package.provides.size() == 1);
    const auto& toy = package.provides[0];
    CHECK(toy.run.argv.size() == 3);
    CHECK(toy.compile.has_value());
    CHECK(toy.limits.at("run_timeout") == 5000);
    CHECK(toy.untested.at("args") == "it has none");
    REQUIRE(package.libraries.has_value());
    CHECK(package.libraries->pattern == "toy-{name}");
    CHECK(package.libraries->setup == package.setup);
    CHECK(package.setup != "");
}

TEST_CASE("the main file of a self-test is the one that stands first, not the first by name") {
    const auto tests = parse_package(whole, "toy.toml").provides[0].tests;
    REQUIRE(tests.size() == 2);
    for (const auto& test : tests) {
        if (test.name == "hello") CHECK(test.files[0].name == "main.ty");
        if (test.name == "modules") CHECK(test.files[0].name == "z.ty");
    }
}

TEST_CASE("a toolchain's recipe is not a package") {
    CHECK(packages::is_package(whole, "toy.toml"));
    CHECK_FALSE(packages::is_package("[version]\nask = [\"{program}\"]\n", "host.toml"));
}

TEST_CASE("a package that cannot be meant is refused with file, line and reason") {
    struct Row {
        std::string name, from, to, expected;
    };
    const Row rows[] = {
        {"an unknown key", "summary =", "sumary =", "unknown key \"sumary\""},
        {"a name that is a path", "\"toy\"\nversion", "\"../toy\"\nversion", "is not a name"},
        {"a version that is none", "\"1.2.3\"\nsummary", "\"1.2\"\nsummary", "three numbers"},
        {"a link out of the root", "usr/bin/toy\" =", "../toy\" =", "not a path beneath the root"},
        {"an absolute file", "\"etc/toy.conf\"", "\"/etc/toy.conf\"", "beneath the root"},
        {"a path with an empty part", "opt/toy\"\nstrip", "opt//toy\"\nstrip", "beneath the root"},
        {"a source without digest", "digest = \"sha512-AAAA\"\n", "", "needs a \"digest\""},
        {"a digest for Debian", R"(debian = ["libtoy")",
         "digest = \"x\"\n"
         R"(debian = ["libtoy")",
         "debian has none"},
        {"two kinds in one source", "strip = 1", "strip = 1\npypi = \"x==1\"", "exactly one of"},
        {"a strange strip", "strip = 1", "strip = -1", "from 0 to 16"},
        {"a stage without anything", "run = { argv = [\"/opt/toy/toy\", \"{main}\", \"{args}\"] }",
         "run = {}", "needs \"argv\" or \"script\""},
        {"an unknown limit", "run_timeout", "run_time", "unknown limit"},
        {"a variable without a name", "TOY=1", "=1", "KEY=value"},
        {"libraries without a pattern", "toy-{name}", "toy", "{name}"},
        {"a setup of libraries that is a text", "setup = true", "setup = \"x\"", "true or false"},
        {"libraries of an unknown kind", "kind = \"debian\"", "kind = \"apt\"", "\"kind\" is"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto text = with(whole, row.from, row.to);
        CHECK_THROWS_WITH_AS(parse_package(text, "toy.toml"),
                             doctest::Contains(row.expected.c_str()), sys::Error);
        CHECK_THROWS_WITH_AS(parse_package(text, "toy.toml"), doctest::Contains("toy.toml:"),
                             sys::Error);
    }
}

TEST_CASE("a damaged package is read or refused as invalid") {
    auto random = std::mt19937(11);
    for (int round = 0; round < 3000; ++round) {
        auto text = whole;
        for (int change = 0; change < 3; ++change)
            text[random() % text.size()] = static_cast<char>(random() % 128);
        try {
            parse_package(text, "toy.toml");
        } catch (const sys::Error& error) {
            CHECK(error.kind() == sys::Kind::invalid);
        }
    }
}

TEST_CASE("a package for another architecture only is not offered") {
    auto package = parse_package(whole, "toy.toml");
    for (auto& source : package.sources) source.architecture = "vax";
    CHECK_FALSE(packages::offer_of(package).has_value());
    package.sources[0].architecture = "";
    const auto offer = packages::offer_of(package);
    REQUIRE(offer.has_value());
    CHECK(offer->package->sources.size() == 1);
    CHECK(offer->source == "npm");
    CHECK(offer->languages == std::vector<std::string>{"toy"});
}

TEST_CASE("every recipe that comes along can be read, and its dependencies are there") {
    std::set<std::string> names;
    std::set<std::string> versions;
    std::vector<packages::Package> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator{recipes()}) {
        if (entry.path().extension() != ".toml") continue;
        const auto file = entry.path().string();
        CAPTURE(file);
        const auto text = sys::read_file(file);
        if (!packages::is_package(text, file)) continue;
        all.push_back(parse_package(text, file));
        names.insert(all.back().name);
        CHECK(versions.insert(all.back().name + "=" + all.back().version).second);
    }
    CHECK(names.contains("base"));
    for (const auto& package : all) {
        CAPTURE(package.name);
        for (const auto& dependency : package.depends) CHECK(names.contains(dependency));
        CHECK_FALSE(package.summary.empty());
        for (const auto& provided : package.provides) {
            CAPTURE(provided.language);
            // What each runtime proves of itself, or why it cannot.
            for (const std::string test : {"hello", "utf8", "stdin", "args", "fails"}) {
                CAPTURE(test);
                const bool is_tested =
                    std::ranges::find(provided.tests, test, &packages::SelfTest::name) !=
                    provided.tests.end();
                CHECK((is_tested || provided.untested.contains(test)));
            }
        }
    }
}
