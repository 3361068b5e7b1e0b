// The test's own judge: it must see what is missing, what is new, and what comes too often.
#include "tests/support/expectation.h"

#include <doctest/doctest.h>

#include <stdexcept>

using support::differences;
using support::matches;
using support::parse_expectation;
using Lines = std::vector<std::string>;

TEST_CASE("a star stands for any text, and nothing else does") {
    CHECK(matches("a b", "a b"));
    CHECK_FALSE(matches("a b", "a bc"));
    CHECK(matches("mount./ *,nosuid*", "mount./ ro,nosuid,nodev"));
    CHECK_FALSE(matches("mount./ *,nosuid*", "mount./ ro,nodev"));
    CHECK(matches("*", ""));
    CHECK(matches("a*a", "aa"));
    CHECK_FALSE(matches("a*a", "a"));
    CHECK(matches("*ab*ab", "abab"));
    CHECK_FALSE(matches("*ab*ab", "ab"));
    CHECK_FALSE(matches("fd.? x[1]", "fd.1 x1"));
}

TEST_CASE("every line of an output is expected, and every expected line is there") {
    const auto expected = parse_expectation(
        "# why\n"
        "a 1\n"
        "? b 2\n"
        "+ c *\n"
        "* ! d *\n"
        "! e 5\n",
        {});
    REQUIRE(expected.size() == 5);
    CHECK(expected[3].is_security);
    CHECK_FALSE(expected[0].is_security);
    CHECK(differences(expected, {"a 1", "c 3", "e 5"}).empty());
    CHECK(differences(expected, {"e 5", "d x", "c 4", "b 2", "a 1", "c 3", "d y"}).empty());
    CHECK(differences(expected, {"a 1", "c 3"}) == Lines{"missing: e 5"});
    CHECK(differences(expected, {"a 1", "e 5"}) == Lines{"missing: c *"});
    CHECK(differences(expected, {"a 1", "a 1", "c 3", "e 5"}) == Lines{"not expected: a 1"});
    CHECK(differences(expected, {"a 1", "b 2", "b 2", "c 3", "e 5"}) == Lines{"not expected: b 2"});
    CHECK(differences(expected, {"a 1", "c 3", "e 5", "f 6"}) == Lines{"not expected: f 6"});
    CHECK(differences(expected, {"a 2", "c 3", "e 5"}) ==
          Lines{"not expected: a 2", "missing: a 1"});
    CHECK(differences(expected, {}).size() == 3);
}

TEST_CASE("lines hold only where all the tags above them are given") {
    const auto* const document = "x 1\n[host]\nx 2\n[host terminal]\nx 3\n[]\nx 4\n";
    const auto patterns = [&](const std::set<std::string>& tags) {
        std::string all;
        for (const auto& line : parse_expectation(document, tags)) all += line.pattern.back();
        return all;
    };
    CHECK(patterns({}) == "14");
    CHECK(patterns({"terminal"}) == "14");
    CHECK(patterns({"host"}) == "124");
    CHECK(patterns({"host", "terminal"}) == "1234");
}

TEST_CASE("a document that cannot be meant is refused") {
    CHECK_THROWS_AS(parse_expectation("[host\n", {}), std::runtime_error);
    CHECK_THROWS_AS(parse_expectation("? \n", {}), std::runtime_error);
}
