#include "engine/compare.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

#include "isolate/sys/error.h"
#include "tests/support/mutation.h"

using namespace std::string_literals;
using engine::CompareMode;
using engine::Comparison;
using engine::Difference;
using engine::Pattern;

namespace {

std::optional<Difference> compare(CompareMode mode, const std::string& actual,
                                  const std::string& expected) {
    return engine::difference(actual, expected, {.mode = mode});
}

}  // namespace

TEST_CASE("every mode knows what is the same") {
    struct Row {
        std::string name, actual, expected;
        // In the order of the modes from exact to lines.
        bool exact, trimmed, tokens, floats, lines;
    };
    const Row rows[] = {
        {"nothing", "", "", true, true, true, true, true},
        {"the same", "a b\nc\n", "a b\nc\n", true, true, true, true, true},
        {"no newline at the end", "a", "a\n", false, true, true, true, true},
        {"white space at the end of a line", "a \t\nb\r\n", "a\nb\n", false, true, true, true,
         true},
        {"empty lines at the end", "a\n\n \n", "a", false, true, true, true, true},
        {"an empty line in between", "a\n\nb", "a\nb", false, false, true, true, false},
        {"white space at the beginning", " a", "a", false, false, true, true, false},
        {"two blanks", "a  b", "a b", false, false, true, true, false},
        {"another order of lines", "b\na\n", "a\nb\n", false, false, false, false, true},
        {"a line twice", "a\na\nb\n", "a\nb\nb\n", false, false, false, false, false},
        {"upper case", "YES", "Yes", false, false, false, false, false},
        {"a number that is near", "1.0000000001", "1", false, false, false, true, false},
        {"a number written otherwise", "+1e2 -.5", "100 -0.50", false, false, false, true, false},
        {"a number that is far", "1.1", "1", false, false, false, false, false},
        {"relative to a large one", "1000000000.5", "1000000000", false, false, false, true, false},
        {"words for no number", "nan", "nan", true, true, true, true, true},
        {"infinity is a word", "inf", "infinity", false, false, false, false, false},
        {"hexadecimal is a word", "0x10", "16", false, false, false, false, false},
        {"beyond a double", "1e999", "2e999", false, false, false, false, false},
        {"two signs", "+-1", "-1", false, false, false, false, false},
        {"nothing but white space", " \n\t\n", "", false, true, true, true, true},
        {"a token more", "1 2", "1", false, false, false, false, false},
        {"a token less", "1", "1 2", false, false, false, false, false},
        {"a NUL", "a\0b"s, "a\0b"s, true, true, true, true, true},
        {"behind a NUL", "a\0b"s, "a\0c"s, false, false, false, false, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(!compare(CompareMode::exact, row.actual, row.expected) == row.exact);
        CHECK(!compare(CompareMode::trimmed, row.actual, row.expected) == row.trimmed);
        CHECK(!compare(CompareMode::tokens, row.actual, row.expected) == row.tokens);
        CHECK(!compare(CompareMode::floats, row.actual, row.expected) == row.floats);
        CHECK(!compare(CompareMode::lines, row.actual, row.expected) == row.lines);
    }
}

TEST_CASE("a difference says where it is, and what stands on either side") {
    struct Row {
        std::string name;
        CompareMode mode;
        std::string actual, expected;
        Difference difference;
    };
    const Row rows[] = {
        {"a line", CompareMode::trimmed, "a\nx\n", "a\nb\n", {2, "b", "x"}},
        {"a line too few", CompareMode::trimmed, "a\n", "a\nb\n", {2, "b", {}}},
        {"a line too many", CompareMode::trimmed, "a\nb\n", "a\n", {2, {}, "b"}},
        {"only its end", CompareMode::exact, "a", "a\n", {1, "a\n", "a"}},
        {"nothing at all", CompareMode::exact, "", "a", {1, "a", {}}},
        {"a token in its line", CompareMode::tokens, "1 2\n\n3 5", "1 2 3 4", {3, "4", "5"}},
        {"a token too few", CompareMode::tokens, "1\n", "1 2", {2, "2", {}}},
        {"a number", CompareMode::floats, "1\n2.5", "1\n2.0", {2, "2.0", "2.5"}},
        {"a line that nobody asked for", CompareMode::lines, "b\nx\na", "a\nb\nc", {2, "c", "x"}},
        {"a line that is missing", CompareMode::lines, "b", "a\nb", {2, "a", {}}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto found = compare(row.mode, row.actual, row.expected);
        REQUIRE(found);
        CHECK(found->line == row.difference.line);
        CHECK(found->expected == row.difference.expected);
        CHECK(found->actual == row.difference.actual);
    }
}

TEST_CASE("a difference shows the beginning of a long line") {
    const auto found = compare(CompareMode::trimmed, std::string(5000, 'x'), "y");
    REQUIRE(found);
    CHECK(found->actual->size() == engine::max_difference_bytes);
}

TEST_CASE("numbers may differ by either tolerance") {
    struct Row {
        std::string name;
        double absolute, relative;
        std::string actual, expected;
        bool same;
    };
    const Row rows[] = {
        {"within the absolute one", 0.1, 0, "1.05", "1", true},
        {"beyond the absolute one", 0.01, 0, "1.05", "1", false},
        {"within the relative one", 0, 0.1, "105", "100", true},
        {"beyond the relative one", 0, 0.01, "105", "100", false},
        {"of a negative number", 0, 0.1, "-105", "-100", true},
        {"of zero", 0, 1, "0.1", "0", false},
        {"none", 0, 0, "1.0", "1", true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const Comparison comparison{CompareMode::floats, row.absolute, row.relative};
        CHECK(!engine::difference(row.actual, row.expected, comparison) == row.same);
    }
}

TEST_CASE("every mode has a word, and no other word is one") {
    for (const auto mode :
         {CompareMode::exact, CompareMode::trimmed, CompareMode::tokens, CompareMode::floats,
          CompareMode::lines, CompareMode::regex, CompareMode::checker}) {
        CHECK(engine::compare_mode(engine::name(mode)) == mode);
    }
    for (const std::string word : {"", "Exact", "trim", "exact "}) {
        CAPTURE(word);
        CHECK_FALSE(engine::compare_mode(word));
    }
}

TEST_CASE("an expression matches all of an output, but for white space at its end") {
    struct Row {
        std::string expression, output;
        Pattern::Match match;
    };
    const Row rows[] = {
        {"[0-9]+", "42\n", Pattern::Match::yes},
        {"[0-9]+", "42 and more", Pattern::Match::no},
        {"[0-9]+", " 42", Pattern::Match::no},
        {"a\nb", "a\nb\n\n", Pattern::Match::yes},
        {"a.b", "a\nb", Pattern::Match::no},
        {"(?s)a.b", "a\nb", Pattern::Match::yes},
        {"", "", Pattern::Match::yes},
        {"", "\n", Pattern::Match::yes},
        {"(a|b)*c", std::string(100'000, 'a') + "c", Pattern::Match::yes},
        {"(x+x+)+y", std::string(100'000, 'x'), Pattern::Match::no},
        {"(?:a?){150}a{150}", std::string(1'000'000, 'a'), Pattern::Match::too_long},
    };
    for (const auto& row : rows) {
        CAPTURE(row.expression);
        CHECK(Pattern{row.expression}.match(row.output) == row.match);
    }
}

TEST_CASE("an expression that cannot be used, or costs too much, is refused") {
    struct Row {
        std::string expression, sentence;
    };
    const Row rows[] = {
        {"(", "is no regular expression: missing ): ("},
        {R"((a)\1)", R"(is no regular expression: invalid escape sequence: \1)"},
        {"(?=a)", "is no regular expression: invalid perl operator: (?="},
        {std::string(5000, 'a'), "is longer than 4096 bytes"},
        {"(a{100}){9}(b{100}){9}", "is a regular expression that repeats too much"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.expression);
        CHECK_THROWS_WITH_AS(Pattern{row.expression}, row.sentence.c_str(), sys::Error);
    }
}

TEST_CASE("damaged expressions and outputs are compared or refused") {
    std::mt19937 random{20261121};
    int refused = 0;
    int matched = 0;
    for (int i = 0; i < 2000; ++i) {
        const auto text =
            support::mutated("^(ab|[c-f]{2,5})+?\\d*$ (?i)x", "()[]{}?*+\\|^$.-,0", random);
        const auto output = support::mutated("1.5 2e3\nab  c\r\n", " \n\r\t.e+-0\0\xff", random);
        try {
            const Pattern pattern{text};
            pattern.match(output);
            ++matched;
        } catch (const sys::Error& error) {
            CHECK(error.kind() == sys::Kind::invalid);
            ++refused;
        }
        for (const auto mode : {CompareMode::exact, CompareMode::trimmed, CompareMode::tokens,
                                CompareMode::floats, CompareMode::lines}) {
            CHECK_FALSE(compare(mode, output, output));
            const auto found = compare(mode, output, text);
            const auto reverse = compare(mode, text, output);
            if (mode != CompareMode::floats) CHECK(found.has_value() == reverse.has_value());
            if (found) CHECK(found->line > 0);
        }
    }
    CHECK(refused > 0);
    CHECK(matched > 0);
}
