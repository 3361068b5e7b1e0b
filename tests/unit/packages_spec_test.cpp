#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "isolate/sys/error.h"
#include "packages/spec.h"

namespace {

using namespace packages;
using Packages = std::vector<NamedVersion>;

const Packages offered = {
    {"bash", "5.1.0"},         {"bash", "5.2.0"},         {"c#", "1.0.0"},      {"node", "18.15.0"},
    {"node", "20.11.1"},       {"python", "2.7.18"},      {"python", "3.10.0"}, {"python", "3.9.4"},
    {"python", "3.12.0-rc.1"}, {"python-extra", "1.0.0"},
};

TEST_CASE("rules choose packages") {
    struct Row {
        std::string name, rules;
        Packages chosen;
    };
    const Row rows[] = {
        {"no rules", "", {}},
        {"a glob takes the newest release of each",
         "* *",
         {{"bash", "5.2.0"},
          {"c#", "1.0.0"},
          {"node", "20.11.1"},
          {"python", "3.10.0"},
          {"python-extra", "1.0.0"}}},
        {"a name alone", "python *", {{"python", "3.10.0"}}},
        {"a glob is of the whole name", "ytho *", {}},
        {"a question mark", "bas? *", {{"bash", "5.2.0"}}},
        {"a set", "[bn]o* *", {{"node", "20.11.1"}}},
        {"a range", "node ^18", {{"node", "18.15.0"}}},
        {"a range in two words", "python >=3.0 <3.10", {{"python", "3.9.4"}}},
        {"a range with alternatives", "python 2.7 || 3.9", {{"python", "3.9.4"}}},
        {"a pre-release that is asked for", "python 3.12.0-rc.1", {{"python", "3.12.0-rc.1"}}},
        {"nothing in the range", "node 99.x", {}},
        {"each rule adds one",
         "python 3.*\npython 2.*",
         {{"python", "3.10.0"}, {"python", "2.7.18"}}},
        {"twice the same", "bash *\nba* *", {{"bash", "5.2.0"}}},
        {"comments", "# all of it\nbash * # the newest\n   # and no more\n\n", {{"bash", "5.2.0"}}},
        {"a name with a hash", "c# *", {{"c#", "1.0.0"}}},
        {"taken away", "bash *\nnode *\n!bash *", {{"node", "20.11.1"}}},
        {"taken away by glob", "bash *\npython *\npython-extra *\n!python* *", {{"bash", "5.2.0"}}},
        {"taken away by range", "python 3.*\npython 2.*\n!python <3", {{"python", "3.10.0"}}},
        {"only what was added before is taken away", "!bash *\nbash *", {{"bash", "5.2.0"}}},
        {"without a range nothing is taken away", "bash *\n!bash", {{"bash", "5.2.0"}}},
        {"a blank behind the mark", "bash *\n! bash *", {}},
        {"lines of another system",
         "bash *\r\nnode *\r\n",
         {{"bash", "5.2.0"}, {"node", "20.11.1"}}},
        {"taken away, then in parts",
         "* *\n!python* *\n!c# *\npython 3.*\npython 2.*",
         {{"bash", "5.2.0"}, {"node", "20.11.1"}, {"python", "3.10.0"}, {"python", "2.7.18"}}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto result = plan({}, offered, parse_spec(row.rules, "test.pps"));
        CHECK(result.install == row.chosen);
        CHECK(result.uninstall.empty());
    }
}

TEST_CASE("what is installed and not chosen goes, what is chosen and installed stays") {
    const auto rules = parse_spec("bash *\nnode 18.x", "test.pps");
    CHECK(plan({{"bash", "5.2.0"}, {"bash", "5.1.0"}, {"python", "3.10.0"}}, offered, rules) ==
          SpecPlan{.install = {{"node", "18.15.0"}},
                   .uninstall = {{"bash", "5.1.0"}, {"python", "3.10.0"}}});
    CHECK(plan({{"bash", "5.2.0"}, {"node", "18.15.0"}}, offered, rules) == SpecPlan{});
    CHECK(plan({{"bash", "5.2.0"}}, offered, {}) == SpecPlan{.uninstall = {{"bash", "5.2.0"}}});
}

TEST_CASE("an installed version that nobody offers any more can be chosen") {
    const auto rules = parse_spec("old *", "test.pps");
    CHECK(plan({{"old", "1.0.0"}}, offered, rules) == SpecPlan{});
    CHECK(plan({{"bash", "6.0.0"}}, offered, parse_spec("bash *", "test.pps")) == SpecPlan{});
}

TEST_CASE("a version that is none is never chosen") {
    const auto rules = parse_spec("* *", "test.pps");
    CHECK(plan({}, {{"odd", "one"}}, rules) == SpecPlan{});
    CHECK(plan({{"odd", "one"}}, {}, rules) == SpecPlan{.uninstall = {{"odd", "one"}}});
}

TEST_CASE("a rule that cannot be meant is refused with its line") {
    struct Row {
        std::string name, text, message;
    };
    const Row rows[] = {
        {"no range", "bash *\n\npython",
         "a.pps:3: \"python\": needs a range of versions behind it, such as *"},
        {"no such range", "python latest",
         R"(a.pps:1: "python": "latest" is no range of versions)"},
        {"no such range to take away", "!python latest",
         R"(a.pps:1: "python": "latest" is no range of versions)"},
        {"a mark alone", "!",
         "a.pps:1: a rule begins with a package's name, of at most 128 characters, in which * and "
         "? may stand"},
        {"too long", std::string(129, '*') + " *",
         "a.pps:1: a rule begins with a package's name, of at most 128 characters, in which * and "
         "? may stand"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_THROWS_WITH_AS(parse_spec(row.text, "a.pps"), row.message.c_str(), sys::Error);
    }
}

}  // namespace
