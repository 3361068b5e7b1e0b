#include <doctest/doctest.h>

#include <random>
#include <string>
#include <string_view>

#include "isolate/sys/error.h"
#include "packages/manifest.h"

namespace {

using namespace packages;

const std::string complete = R"(
language = "c"
aliases = ["gcc", "visual c"]
programs = ["gcc", "/usr/bin/gcc-[0-9]*"]
environment = ["LANG=C.UTF-8", "EMPTY="]

[version]
ask = ["{program}", "-dumpfullversion"]
after = "gcc "

[compile]
argv = ["{program}", "{files}", "-o", "a.out"]
script = '''
exec {program} "$@" -o a.out
'''

[run]
argv = ["./a.out", "{args}"]

[limits]
max_process_count = 128
run_timeout = -1
)";

const std::string least = R"(
language = "x"
programs = ["x"]
[version]
ask = ["{program}"]
[run]
argv = ["{program}", "{main}"]
)";

std::string replaced(std::string text, std::string_view part, std::string_view other) {
    const auto at = text.find(part);
    REQUIRE(at != std::string::npos);
    return text.replace(at, part.size(), other);
}

std::string refusal(const std::string& text) {
    try {
        static_cast<void>(parse_manifest(text, "x.toml"));
    } catch (const sys::Error& error) {
        CHECK(error.kind() == sys::Kind::invalid);
        return error.what();
    }
    return "accepted";
}

TEST_CASE("a manifest says all it can say") {
    const auto expected = Manifest{
        .language = "c",
        .aliases = {"gcc", "visual c"},
        .programs = {"gcc", "/usr/bin/gcc-[0-9]*"},
        .version = {.argv = {"{program}", "-dumpfullversion"}, .after = "gcc "},
        .compile = Script{.argv = {"{program}", "{files}", "-o", "a.out"},
                          .text = "exec {program} \"$@\" -o a.out\n"},
        .run = {.argv = {"./a.out", "{args}"}, .text = ""},
        .environment = {"LANG=C.UTF-8", "EMPTY="},
        .limits = {{"max_process_count", 128}, {"run_timeout", -1}},
    };
    CHECK(parse_manifest(complete, "c.toml") == expected);
}

TEST_CASE("a manifest may leave out what has a sensible default") {
    const auto manifest = parse_manifest(least, "x.toml");
    CHECK(!manifest.compile);
    CHECK(manifest.aliases.empty());
    CHECK(manifest.environment.empty());
    CHECK(manifest.limits.empty());
    CHECK(manifest.version.after == "");
}

TEST_CASE("what cannot be meant is refused with its place") {
    struct Row {
        std::string name;
        std::string text, expected;
    };
    const Row rows[] = {
        {"not TOML", "language = ", "x.toml:1: "},
        {"an unknown key", "\ntypo = 1\n" + least, "x.toml:2: unknown key \"typo\""},
        {"an unknown key of a table", replaced(least, "[run]\n", "[run]\nshell = 1\n"),
         "x.toml:7: unknown key \"shell\""},
        {"no language", replaced(least, "language = \"x\"", ""), "\"language\" is missing"},
        {"an empty language", replaced(least, "\"x\"", "\"\""),
         "x.toml:2: \"language\" is not a name"},
        {"a language of control characters", replaced(least, "\"x\"", R"("a\nb")"),
         "\"language\" is not a name"},
        {"a number for text", replaced(least, "\"x\"", "7"), "x.toml:2: \"language\" takes text"},
        {"text for a list", replaced(least, "[\"x\"]", "\"x\""),
         "x.toml:3: \"programs\" takes a list of texts"},
        {"a number in a list", replaced(least, "[\"x\"]", "[3]"), "\"programs\" takes text"},
        {"a NUL", replaced(least, R"("{main}")", R"("a\u0000b")"), "holds a NUL character"},
        {"no program", replaced(least, "[\"x\"]", "[]"), "x.toml:3: \"programs\" is empty"},
        {"a program elsewhere", replaced(least, "[\"x\"]", "[\"/opt/x\"]"),
         "\"/opt/x\" is neither a name nor a path beneath /usr"},
        {"a program that climbs", replaced(least, "[\"x\"]", "[\"/usr/../opt/x\"]"),
         "neither a name"},
        {"a relative program", replaced(least, "[\"x\"]", "[\"bin/x\"]"), "neither a name"},
        {"no run", replaced(least, "[run]", "[compile]"), "\"run\" is missing"},
        {"a stage of nothing", replaced(least, R"(argv = ["{program}", "{main}"])", ""),
         "x.toml:6: a stage needs"},
        {"an unknown placeholder", replaced(least, "{main}", "{mian}"),
         "x.toml:7: \"{mian}\" means nothing here"},
        {"files for run", replaced(least, "{main}", "{files}"), "\"{files}\" means nothing here"},
        {"a placeholder within an argument", replaced(least, "{main}", "--file={main}"),
         "\"{main}\" must be an argument of its own"},
        {"a placeholder that reads as a variable",
         replaced(complete, "exec {program}", "exec ${program}"),
         "x.toml:13: \"${program}\" is a placeholder, not a variable"},
        {"a question to a relative path", replaced(least, "{program}", "bin/x"),
         "\"ask\" starts with"},
        {"an environment that is none", replaced(complete, "EMPTY=", "EMPTY"),
         "x.toml:5: \"EMPTY\" is not of the form KEY=value"},
        {"a variable that starts with a digit", replaced(complete, "EMPTY=", "7UP="),
         "not of the form KEY=value"},
        {"an unknown limit", replaced(complete, "run_timeout", "run_time"),
         "x.toml:22: unknown limit \"run_time\""},
        {"a limit below unlimited", replaced(complete, "-1", "-2"),
         "x.toml:22: \"run_timeout\" takes a whole number"},
        {"a limit in words", replaced(complete, "-1", "\"1s\""), "takes a whole number"},
        {"a letter beyond ASCII", replaced(least, "[run]", "# \xc3\xa9\n[run]"),
         "x.toml:6: a manifest is ASCII"},
        {"far too much", least + std::string(20'000, '#'), "x.toml:1: a manifest of more than"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_MESSAGE(refusal(row.text).find(row.expected) != std::string::npos, refusal(row.text));
    }
}

TEST_CASE("keys nested as deep as fits a manifest are refused, not followed off the stack") {
    std::string key = "a";
    while (key.size() < 16'000) key += ".a";
    for (const auto& text : {key + " = 1", "[" + key + "]", "[[" + key + "]]"}) {
        CHECK(refusal(text).starts_with("x.toml:1: "));
    }
}

TEST_CASE("a damaged manifest is read or refused, and nothing else") {
    std::mt19937 random{20211};
    const auto below = [&](std::size_t limit) { return random() % limit; };
    const std::string_view seeds[] = {complete, least};
    const std::string_view scraps[] = {"\"",      "'''",  "[",          "]]", "{",
                                       "}",       ".",    "=",          "\n", "{main}",
                                       "\\u0000", "\xff", "1979-05-27", "-1", "${program}"};
    for (int round = 0; round < 10'000; ++round) {
        std::string text{seeds[below(std::size(seeds))]};
        for (auto edits = below(4) + 1; edits > 0; --edits) {
            const auto at = below(text.size());
            switch (below(4)) {
                case 0:
                    text[at] = static_cast<char>(below(256));
                    break;
                case 1:
                    text.erase(at, below(20));
                    break;
                case 2:
                    text.insert(at, scraps[below(std::size(scraps))]);
                    break;
                default:
                    text.insert(at, text.substr(below(text.size()), below(40)));
            }
            if (text.empty()) text = "x";
        }
        const auto sentence = refusal(text);
        CHECK((sentence == "accepted" || sentence.starts_with("x.toml:")));
    }
}

}  // namespace
