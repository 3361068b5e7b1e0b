#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "isolate/sys/error.h"
#include "packages/libraries.h"

namespace {

using namespace packages;
using Kind = Source::Kind;
using Names = std::vector<std::string>;

TEST_CASE("a library has a name, and a version where its registry has some") {
    struct Row {
        std::string name;
        Kind kind;
        std::string text;
        Library expected;
    };
    const Row rows[] = {
        {"debian", Kind::debian, "numpy", {"numpy", ""}},
        {"pypi", Kind::pypi, "numpy", {"numpy", ""}},
        {"pypi with a version", Kind::pypi, "ruamel.yaml==0.18.6", {"ruamel.yaml", "0.18.6"}},
        {"pypi, an epoch and a local part", Kind::pypi, "a==1!2.0+cpu", {"a", "1!2.0+cpu"}},
        {"npm", Kind::npm, "lodash", {"lodash", ""}},
        {"npm with a version", Kind::npm, "lodash@4.17.21", {"lodash", "4.17.21"}},
        {"npm with a scope", Kind::npm, "@types/node", {"@types/node", ""}},
        {"npm with both", Kind::npm, "@types/node@20.1.0", {"@types/node", "20.1.0"}},
        {"maven", Kind::maven, "org.example:tool:1.0", {"org.example:tool", "1.0"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(parse_library(row.kind, row.text) == row.expected);
    }
}

TEST_CASE("what is no library never reaches a client") {
    struct Row {
        Kind kind;
        std::string text;
    };
    const Row rows[] = {
        {Kind::debian, ""},
        {Kind::debian, "numpy==1.0"},
        {Kind::debian, "numpy=1.0"},
        {Kind::debian, "$(id)"},
        {Kind::debian, "a b"},
        {Kind::debian, "../x"},
        {Kind::pypi, ""},
        {Kind::pypi, "-r"},
        {Kind::pypi, "--index-url=https://e.example"},
        {Kind::pypi, "numpy=="},
        {Kind::pypi, "==1.0"},
        {Kind::pypi, "numpy>=1.0"},
        {Kind::pypi, "numpy==1.*"},
        {Kind::pypi, "numpy==1.0==2.0"},
        {Kind::pypi, "numpy[all]"},
        {Kind::pypi, "numpy; python_version > '3'"},
        {Kind::pypi, "numpy @ https://e.example/a.whl"},
        {Kind::pypi, "git+https://e.example/a"},
        {Kind::pypi, "./numpy"},
        {Kind::pypi, "/srv/numpy.whl"},
        {Kind::pypi, "numpy.whl/"},
        {Kind::npm, ""},
        {Kind::npm, "--global"},
        {Kind::npm, "lodash@"},
        {Kind::npm, "lodash@latest"},
        {Kind::npm, "lodash@^4"},
        {Kind::npm, "lodash@https://e.example/a.tgz"},
        {Kind::npm, "lodash@npm:other@1.0.0"},
        {Kind::npm, "someone/repository"},
        {Kind::npm, "git+https://e.example/a"},
        {Kind::npm, "file:/srv/a"},
        {Kind::npm, "../x"},
        {Kind::npm, "@../x"},
        {Kind::npm, "@scope"},
        {Kind::npm, "$(id)"},
        {Kind::maven, "org.example:tool"},
        {Kind::maven, "../x:y:1"},
        {Kind::go, "go.example/a@v1.0.0"},
        {Kind::url, "https://e.example/a"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK_THROWS_AS(parse_library(row.kind, row.text), sys::Error);
    }
}

TEST_CASE("Debian's libraries have a name in a pattern") {
    const auto python = Libraries{.kind = Kind::debian, .pattern = "python3-{name}"};
    CHECK(debian_libraries(python, {"numpy", "Typing_Extensions"}) ==
          Names{"python3-numpy", "python3-typing-extensions"});
    const auto perl = Libraries{.kind = Kind::debian, .pattern = "lib{name}-perl"};
    CHECK(debian_libraries(perl, {"json"}) == Names{"libjson-perl"});
}

TEST_CASE("a pattern that makes no Debian name is refused") {
    const std::string patterns[] = {"python3", "", "{name} x", "-{name}", "../{name}"};
    for (const auto& pattern : patterns) {
        CAPTURE(pattern);
        CHECK_THROWS_AS(debian_libraries({.pattern = pattern}, {"numpy"}), sys::Error);
    }
    CHECK_THROWS_AS(debian_libraries({.pattern = "python3-{name}"}, {"numpy-"}), sys::Error);
    CHECK_THROWS_AS(debian_libraries({.pattern = "python3-{name}"}, {}), sys::Error);
    CHECK_THROWS_AS(debian_libraries({.pattern = "python3-{name}"}, Names(65, "a")), sys::Error);
}

TEST_CASE("libraries of Maven's are jars with the digest that is published beside them") {
    auto addresses = Addresses{{.maven = "https://maven.example"}};
    const std::string sum(40, 'c');
    for (const auto& published : {sum, sum + "\n", sum + "  tool-1.0.jar\n"}) {
        CAPTURE(published);
        const auto jars = maven_libraries({"org.example:tool:1.0"}, "opt/lib", addresses,
                                          [&](const std::string& url) {
                                              CHECK(url ==
                                                    "https://maven.example/org/example/tool/1.0/"
                                                    "tool-1.0.jar.sha1");
                                              return published;
                                          });
        CHECK(jars ==
              std::vector{Artifact{.url = "https://maven.example/org/example/tool/1.0/tool-1.0.jar",
                                   .digest = "sha1:" + sum,
                                   .file_name = "tool-1.0.jar",
                                   .into = "opt/lib",
                                   .unpack = false}});
    }
}

bool has(const ToolCommand& command, const std::string& argument) {
    return std::ranges::find(command.argv, argument) != command.argv.end();
}

// Of a machine that may lack the client: then there is nothing to check but the error.
TEST_CASE("clients are told to run nothing and to stay in their directory") {
    auto addresses =
        Addresses{{.npm = "https://npm.example", .pypi = "https://pypi.example/simple"}};
    const auto target =
        LibraryTarget{.directory = "/srv/stage", .cache = "/srv/cache", .python_version = "3.11"};
    if (find_program("python3")) {
        const auto pip = pip_command({"numpy==1.2", "six"}, target, addresses);
        for (const std::string argument :
             {"--only-binary=:all:", "--no-compile", "--no-input", "--target", "/srv/stage",
              "https://pypi.example/simple", "3.11"}) {
            CAPTURE(argument);
            CHECK(has(pip, argument));
        }
        CHECK(Names(pip.argv.end() - 3, pip.argv.end()) == Names{"--", "numpy==1.2", "six"});
    } else {
        CHECK_THROWS_AS(pip_command({"six"}, target, addresses), sys::Error);
    }
    if (find_program("npm")) {
        const auto npm = npm_command({"lodash"}, target, addresses);
        for (const std::string argument :
             {"--ignore-scripts", "--no-audit", "--no-fund", "--prefix", "/srv/stage"}) {
            CAPTURE(argument);
            CHECK(has(npm, argument));
        }
        CHECK(Names(npm.argv.end() - 2, npm.argv.end()) == Names{"--", "lodash"});
    } else {
        CHECK_THROWS_AS(npm_command({"lodash"}, target, addresses), sys::Error);
    }
}

TEST_CASE("a Python that is none is refused") {
    auto addresses = Addresses{{.pypi = "https://pypi.example/simple"}};
    for (const std::string version : {"", "three", "3.11 ", "--help", "3.11-dev"}) {
        CAPTURE(version);
        CHECK_THROWS_AS(
            pip_command({"six"}, {.directory = "/a", .cache = "/b", .python_version = version},
                        addresses),
            sys::Error);
    }
}

TEST_CASE("pip's report names what was installed") {
    const auto parts = parse_pip_report(R"({"version": "1", "install": [
        {"download_info": {"url": "https://files.example/b.whl",
                           "archive_info": {"hash": "sha256=00", "hashes": {"sha256": "00ff"}}},
         "metadata": {"name": "b", "version": "2.0"}},
        {"metadata": {"name": "a", "version": "1.0"}}]})");
    CHECK(parts == std::vector<Part>{{"a", "1.0", ""}, {"b", "2.0", "sha256:00ff"}});
}

TEST_CASE("npm's lock file names what was installed") {
    const auto parts = parse_npm_lock(R"({"lockfileVersion": 3, "packages": {
        "": {"name": "stage"},
        "node_modules/b": {"version": "2.0.0", "integrity": "sha512-xyz"},
        "node_modules/b/node_modules/@s/a": {"version": "1.0.0"}}})");
    CHECK(parts == std::vector<Part>{{"@s/a", "1.0.0", ""}, {"b", "2.0.0", "sha512-xyz"}});
}

TEST_CASE("a report that is none is refused") {
    for (const std::string text : {"", "{", "[]", "{}", "null"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_pip_report(text), sys::Error);
        CHECK_THROWS_AS(parse_npm_lock(text), sys::Error);
    }
    CHECK(parse_pip_report(R"({"install": []})").empty());
}

}  // namespace
