#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "isolate/sys/error.h"
#include "isolate/sys/log.h"
#include "packages/host.h"

namespace {

using namespace packages;
namespace fs = std::filesystem;

TEST_CASE("tools word their versions in many ways") {
    struct Row {
        const char *name, *answer, *after, *expected;
    };
    const Row rows[] = {
        {"bash", "GNU bash, version 5.2.15(1)-release (x86_64-pc-linux-gnu)", "version ", "5.2.15"},
        {"go", "go version go1.26.8 linux/amd64", "go version go", "1.26.8"},
        {"node", "v20.20.2\n", "", "20.20.2"},
        {"two parts", "go version go1.19 linux/amd64", "go", "1.19.0"},
        {"one part", "openjdk 25 2025-09-16", "", "25.0.0"},
        {"four parts", "openjdk 17.0.15.1 2025-04-15", "", "17.0.15"},
        {"a letter behind", "ruby 3.1.2p20 (2022-04-12)", "ruby ", "3.1.2"},
        {"a revision behind", "0.5.12-2", "", "0.5.12"},
        {"a dot at the end", "Lua 5.4.", "Lua ", "5.4.0"},
        {"zeros in front", "version 5.04.007", "", "5.4.7"},
        {"a number before it", "x86_64 tool 1.2.3", "tool ", "1.2.3"},
        {"nothing", "", "", "none"},
        {"no number", "usage: tool", "", "none"},
        {"another tool", "Apple clang version 14.0.0", "gcc ", "none"},
        {"a number beyond all versions", "99999999999999999999.1", "", "none"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(exact_version(row.answer, row.after).value_or("none") == row.expected);
    }
}

TEST_CASE("a recipe is filled in with what was found") {
    const auto recipe = Manifest{
        .language = "python",
        .aliases = {"py", "python{major}.{minor}"},
        .programs = {"python3"},
        .version = {.argv = {"{program}", "-V"}, .after = ""},
        .compile = Script{.argv = {}, .text = "{program} -c; {directory}/python3 -d\n"},
        .run = {.argv = {"{program}", "{main}", "{args}"}, .text = ""},
        .environment = {"PYTHONHOME={directory}"},
        .limits = {},
    };
    const auto installed = fill(recipe, "/usr/bin/python3", "/usr/lib/py/bin/python3.11", "3.11.2");
    const auto& manifest = installed.manifest;
    CHECK(installed.version == "3.11.2");
    CHECK(installed.program == "/usr/bin/python3");
    CHECK(manifest.aliases == std::vector<std::string>{"py", "python3.11"});
    CHECK(manifest.compile->text == "/usr/bin/python3 -c; /usr/lib/py/bin/python3 -d\n");
    CHECK(manifest.run.argv == std::vector<std::string>{"/usr/bin/python3", "{main}", "{args}"});
    CHECK(manifest.environment ==
          std::vector<std::string>{"PATH=/usr/lib/py/bin:/usr/local/bin:/usr/bin:/bin",
                                   "PYTHONHOME=/usr/lib/py/bin"});
}

TEST_CASE("what a compile stage needs is filled in with it") {
    auto recipe = Manifest{};
    recipe.compile =
        Script{.argv = {"{directory}/java", "{files}"},
               .text = "x",
               .warm = {.prime = "/usr/lib/x-{major}/a", .primed_by = {}, .memory = {}}};
    recipe.argv_needs = "/usr/lib/x-{major}.{minor}";
    const auto manifest = fill(recipe, "/usr/bin/x", "/usr/bin/x", "17.0.15").manifest;
    CHECK(manifest.argv_needs == "/usr/lib/x-17.0");
    CHECK(manifest.compile->warm.prime == "/usr/lib/x-17/a");
    CHECK(manifest.compile->argv.front() == "/usr/bin/java");
}

TEST_CASE("a recipe's own PATH is left alone") {
    auto recipe = Manifest{};
    recipe.environment = {"PATH=/usr/games"};
    CHECK(fill(recipe, "/usr/bin/x", "/usr/bin/x", "1.0.0").manifest.environment ==
          std::vector<std::string>{"PATH=/usr/games"});
}

// A recipe that finds the shell and has it answer what the test likes.
Manifest shell(const std::string& language, const std::string& answer) {
    auto recipe = Manifest{};
    recipe.language = language;
    recipe.programs = {"sh", "/usr/bin/sh"};
    recipe.version.argv = {"{program}", "-c", answer};
    return recipe;
}

std::vector<std::string> found(const std::vector<Manifest>& recipes) {
    sys::log_nothing();  // what is left out would be warned about
    std::vector<std::string> result;
    for (const auto& installed : find_host_toolchains(recipes, std::chrono::milliseconds{500})) {
        result.push_back(installed.manifest.language + " " + installed.version);
    }
    sys::set_log_level(sys::Level::info);
    return result;
}

TEST_CASE("tools that answer are found, others are left out") {
    CHECK(found({
              shell("answers", "echo 1.2.3"),
              shell("answers on stderr", "echo 2.0 >&2"),
              shell("fails", "echo 1.2.3; exit 1"),
              shell("says nothing", ""),
              shell("dies", "echo 1.2.3; kill -9 $$"),
              shell("hangs", "echo 1.2.3; sleep 60"),
              shell("floods", "echo 3.1; while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"),
              shell("says much", "echo 3.2; head -c 100000 /dev/zero"),
              shell("leaves somebody behind", "echo 4.5.6; sleep 60 &"),
              shell("waits for input", "read -r line; echo 5.0$line"),
              shell("looks around", "echo $(env | grep -vc -e PATH= -e PWD= -e _= -e SHLVL=).1"),
          }) == std::vector<std::string>{"answers 1.2.3", "answers on stderr 2.0.0",
                                         "says much 3.2.0", "leaves somebody behind 4.5.6",
                                         "waits for input 5.0.0", "looks around 0.1.0"});
}

TEST_CASE("of equal versions the first is taken, different ones stand side by side") {
    auto second = shell("sh", "echo 1.0");
    auto newer = shell("sh", "echo 1.1");
    CHECK(found({shell("sh", "echo 1.0.0"), second, newer}) ==
          std::vector<std::string>{"sh 1.0.0", "sh 1.1.0"});
}

TEST_CASE(
    "a compile stage with what its vector needs has that alone, and without it the script, with "
    "nothing to start ahead") {
    for (const auto* const needed : {"/usr/lib/no-such-file", "/usr/bin/env", ""}) {
        CAPTURE(needed);
        auto recipe = shell("x", "echo 1.0");
        recipe.compile = Script{
            .argv = {"/usr/bin/x"}, .text = "x", .warm = {.kind = Warm::Kind::gate, .memory = {}}};
        recipe.argv_needs = needed;
        const auto all = find_host_toolchains({recipe}, std::chrono::milliseconds{500});
        REQUIRE(all.size() == 1);
        const auto& compile = all.front().manifest.compile.value();
        const bool needs_nothing = std::string{needed}.empty();
        const bool is_there = std::string{needed} != "/usr/lib/no-such-file";
        CHECK(compile.text.empty() == (is_there && !needs_nothing));
        CHECK(compile.argv.empty() != is_there);
        CHECK((compile.warm.kind == Warm::Kind::gate) == is_there);
    }
}

TEST_CASE("a program that is not there is not asked") {
    auto recipe = shell("none", "echo 1.0");
    recipe.programs = {"no-such-program", "/usr/lib/no-such-*/bin/x", "/usr/bin"};
    CHECK(found({recipe}).empty());
}

TEST_CASE("a tool that cannot be started is left out") {
    auto recipe = shell("none", "");
    recipe.version.argv = {"/usr/bin/no-such-program"};
    CHECK(found({recipe}).empty());
}

class TempDir {
public:
    TempDir() {
        std::string pattern = fs::temp_directory_path() / "crankcase-recipes-XXXXXX";
        REQUIRE(::mkdtemp(pattern.data()) != nullptr);
        path_ = pattern;
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((path_ / name).parent_path());
        std::ofstream{path_ / name} << text;
    }
    std::string path() const { return path_; }

private:
    fs::path path_;
};

std::string recipe_of(const std::string& language) {
    return "language = \"" + language +
           "\"\nprograms = [\"x\"]\nversion.ask = [\"{program}\"]\nrun.argv = [\"{program}\"]\n";
}

TEST_CASE("recipes are read in the order of their paths") {
    const TempDir directory;
    directory.write("b/one.toml", recipe_of("b1"));
    directory.write("a/two.toml", recipe_of("a2"));
    directory.write("a/one.toml", recipe_of("a1"));
    directory.write("a/README.md", "no recipe");
    std::vector<std::string> languages;
    for (const auto& recipe : load_recipes(directory.path())) languages.push_back(recipe.language);
    CHECK(languages == std::vector<std::string>{"a1", "a2", "b1"});
}

TEST_CASE("a recipe that cannot be read is named") {
    const TempDir directory;
    directory.write("a/bad.toml", "language = 1\n");
    CHECK_THROWS_WITH_AS(load_recipes(directory.path()), doctest::Contains("a/bad.toml:1: "),
                         sys::Error);
    CHECK_THROWS_WITH_AS(load_recipes(directory.path() + "/none"),
                         doctest::Contains("No such file or directory"), sys::Error);
}

}  // namespace
