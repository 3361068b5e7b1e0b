#include "packages/version.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/runtime.h"

namespace {

bool satisfies(const char* version, const char* range) {
    const auto parsed_version = packages::parse_version(version);
    const auto parsed_range = packages::parse_range(range);
    return parsed_version && parsed_range && parsed_range->contains(*parsed_version);
}

std::shared_ptr<const engine::Runtime> runtime(const char* language, const char* version,
                                               std::vector<std::string> aliases = {}) {
    engine::Runtime made;
    made.language = language;
    made.version = version;
    made.aliases = std::move(aliases);
    return std::make_shared<const engine::Runtime>(made);
}

}  // namespace

TEST_CASE("a version is strict semver") {
    struct Row {
        const char* text;
        bool valid;
    };
    const Row rows[] = {
        {"1.2.3", true},
        {"v1.2.3", true},
        {" 1.2.3 ", true},
        {"0.0.0", true},
        {"1.2.3-alpha.7", true},
        {"1.2.3-0", true},
        {"1.2.3--", true},
        {"1.2.3+b1", true},
        {"1.2.3-rc.1+b.007", true},
        {"9007199254740990.0.0", true},
        {"", false},
        {"v", false},
        {"1", false},
        {"1.2", false},
        {"1.2.x", false},
        {"1.2.3.4", false},
        {"01.2.3", false},
        {"1.02.3", false},
        {"1.2.3-", false},
        {"1.2.3-01", false},
        {"1.2.3-a..b", false},
        {"1.2.3+", false},
        {"1.2.3-ä", false},
        {"=1.2.3", false},
        {"vv1.2.3", false},
        {"1.2.3 4", false},
        {"-1.2.3", false},
        {"18446744073709551616.0.0", false},
        {"99999999999999999999999999.0.0", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(packages::parse_version(row.text).has_value() == row.valid);
    }
    CHECK_FALSE(packages::parse_version("1.2.3-" + std::string(300, 'a')));
}

TEST_CASE("versions are ordered by precedence") {
    const char* ascending[] = {
        "0.0.0-0",    "0.0.0",        "0.0.1",         "0.1.0",         "1.0.0-0",
        "1.0.0-2",    "1.0.0-10",     "1.0.0-alpha",   "1.0.0-alpha.1", "1.0.0-alpha.beta",
        "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",    "1.0.0",
        "1.9.0",      "1.10.0",       "2.0.0",         "10.0.0",
    };
    for (std::size_t i = 0; i + 1 < std::size(ascending); ++i) {
        CAPTURE(ascending[i]);
        const auto left = *packages::parse_version(ascending[i]);
        const auto right = *packages::parse_version(ascending[i + 1]);
        CHECK(left < right);
        CHECK(right > left);
        CHECK_FALSE(left == right);
    }
    CHECK(*packages::parse_version("1.0.0+a") == *packages::parse_version("v1.0.0+b"));
}

TEST_CASE("a range takes the versions npm's semver takes") {
    struct Row {
        const char* version;
        const char* range;
        bool expected;
    };
    const Row rows[] = {
        {"3.12.0", "*", true},
        {"3.12.0", "x", true},
        {"3.12.0", "X", true},
        {"3.12.0", " ", true},
        {"3.12.0", "x.x", true},
        {"3.12.0", "3", true},
        {"3.12.0", "3.x", true},
        {"3.12.0", "3.*", true},
        {"3.12.0", "3.12", true},
        {"3.12.0", "3.12.x", true},
        {"3.12.0", "3.12.0", true},
        {"3.12.0", "v3.12.0", true},
        {"3.12.0", "=3.12.0", true},
        {"3.12.0", "=v3.12.0", true},
        {"3.12.0", "v3", true},
        {"3.12.0", " 3.12.0 ", true},
        {"3.12.0", "3.12.0+b1", true},
        {"3.12.0+b2", "3.12.0+b1", true},
        {"v3.12.0", "3.12.0", true},
        {"3.12.1", "3.12.0", false},
        {"2.7.18", "3", false},
        {"13.0.0", "3", false},
        {"3.1.2", "3.12", false},
        // operators
        {"2.7.18", ">2", false},
        {"3.0.0", ">2", true},
        {"2.8.0", ">2.7", true},
        {"2.7.18", ">2.7", false},
        {"2.7.18", ">=2", true},
        {"2.7.18", "<=2", true},
        {"3.0.0", "<=2", false},
        {"1.9.9", "<2", true},
        {"2.0.0", "<2", false},
        {"2.0.1", ">2.0.0", true},
        {"2.0.0", ">=2.0.0", true},
        {"2.0.0", "<=2.0.0", true},
        {"3.9.4", ">= 3.9 < 3.10", true},
        {"3.10.0", ">=3.9 <3.10", false},
        {"3.9.4", "> 3.9.1  <= 3.9.4", true},
        {"1.0.0", "<*", false},
        {"1.0.0", ">*", false},
        {"1.0.0", ">=*", true},
        {"1.0.0", "<=x", true},
        // caret and tilde
        {"1.9.9", "^1.2.3", true},
        {"1.2.2", "^1.2.3", false},
        {"2.0.0", "^1.2.3", false},
        {"0.2.9", "^0.2.3", true},
        {"0.3.0", "^0.2.3", false},
        {"0.0.3", "^0.0.3", true},
        {"0.0.4", "^0.0.3", false},
        {"0.0.9", "^0.0", true},
        {"0.1.0", "^0.0", false},
        {"0.9.0", "^0", true},
        {"1.0.0", "^0", false},
        {"1.9.0", "^1.x", true},
        {"7.0.0", "^*", true},
        {"1.2.9", "~1.2.3", true},
        {"1.3.0", "~1.2.3", false},
        {"1.2.9", "~1.2", true},
        {"1.9.0", "~1", true},
        {"2.0.0", "~1", false},
        {"1.2.9", "~> 1.2.3", true},
        {"1.2.9", "^ v1.2", true},
        {"1.2.9", "~=1.2.3", true},
        // alternatives and hyphens
        {"3.11.0", "3.9 || 3.11", true},
        {"3.10.0", "3.9||3.11", false},
        {"3.10.0", "3.9 ||", true},
        {"3.11.0", "1.0 - 3.11", true},
        {"3.11.9", "1.0 - 3.11", true},
        {"3.12.0", "1.0 - 3.11", false},
        {"0.9.0", "1.0 - 3.11", false},
        {"3.11.1", "1.0.0 - 3.11.0", false},
        {"9.0.0", "1.0 - *", true},
        {"0.1.0", "x - 1", true},
        {"4.0.0", "1.0 - 2.0 || 4", true},
        // pre-releases
        {"3.10.0-alpha.7", "*", false},
        {"3.10.0-alpha.7", "3", false},
        {"3.10.0-alpha.7", "3.10.0-alpha.7", true},
        {"3.10.0-alpha.7", ">=3.10.0-alpha.1 <3.10.1", true},
        {"3.10.0-alpha.7", ">=3.9.0-alpha.1 <3.10.1", false},
        {"3.10.0-alpha.7", "<3.10.0", false},
        {"3.10.0-alpha.7", "^3.10.0-alpha.1", true},
        {"3.10.0-alpha.7", "~3.10.0-alpha.1", true},
        {"3.10.0-alpha.7", "3.10.0-alpha.10", false},
        {"3.10.0-alpha.7", "<3.10.0-alpha.10", true},
        {"3.10.0", "^3.10.0-alpha.1", true},
        {"3.10.0-alpha.7", "3.9.x", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.version);
        CAPTURE(row.range);
        CHECK(satisfies(row.version, row.range) == row.expected);
    }
}

TEST_CASE("what is no range is told apart from one that nothing satisfies") {
    const char* rows[] = {
        "latest",       "03.1", "3.12.0.0", "3.10.0-", "3.10.0-01", "3.",  ".3",      "3..1",
        "1.2.3 latest", "> ",   "^",        "~",       "1 -",       "- 1", "1 - 2 3", "==1.2.3",
        "v=1.2.3",      "=>1",  "!1",       "1 | 2",   "1.2.3+",    "1,2", "v",       "> > 1",
        "１",
    };
    for (const auto* row : rows) {
        CAPTURE(row);
        CHECK_FALSE(packages::parse_range(row));
    }
    CHECK_FALSE(packages::parse_range(std::string(packages::max_range_length + 1, ' ')));
    CHECK(packages::parse_range("<0.0.0-0"));
}

TEST_CASE("the newest runtime that matches is found") {
    const engine::Runtimes runtimes{{
        runtime("typescript", "1.7.5", {"deno-ts", "deno"}),
        runtime("csharp.net", "5.0.201", {"cs", "c#"}),
        runtime("csharp", "6.12.0", {"mono", "cs"}),
        runtime("node", "15.10.0", {"js", "javascript"}),
        runtime("node", "18.15.0", {"js"}),
        runtime("python", "3.10.0-alpha.7", {"py"}),
        runtime("python", "3.9.4", {"py"}),
        runtime("broken", "five", {}),
        runtime("one", "1.0.0+a", {"same"}),
        runtime("two", "1.0.0+b", {"same"}),
        runtime("go", "v1.16.2", {}),
    }};
    struct Row {
        std::string name;
        const char* language;
        const char* range;
        const char* found;
    };
    const Row rows[] = {
        {"by language", "node", "*", "18.15.0"},
        {"by alias", "js", "15", "15.10.0"},
        {"an alias of one version only", "javascript", "*", "15.10.0"},
        {"the higher version of another language", "cs", "*", "6.12.0"},
        {"no pre-release unless named", "python", "3", "3.9.4"},
        {"a pre-release by name", "py", "3.10.0-alpha.7", "3.10.0-alpha.7"},
        {"of equals the first", "same", "1", "1.0.0+a"},
        {"a leading v is kept", "go", "1.16.2", "v1.16.2"},
        {"case counts", "Node", "*", nullptr},
        {"no such language", "cobol", "*", nullptr},
        {"no such version", "node", "20", nullptr},
        {"no range at all", "node", "latest", nullptr},
        {"a version that is none", "broken", "*", nullptr},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto found = runtimes.find(row.language, row.range);
        REQUIRE((found != nullptr) == (row.found != nullptr));
        if (found) CHECK(found->version == row.found);
    }
}
