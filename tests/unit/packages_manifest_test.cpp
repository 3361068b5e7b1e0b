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

std::string with_warm(const std::string& keys) {
    return least + "warm = { " + keys + " }\n";
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

TEST_CASE("a stage says how it can be started before its job is there") {
    const auto warm = [](const std::string& keys) {
        return parse_manifest(with_warm(keys), "x.toml").run.warm;
    };
    CHECK(parse_manifest(least, "x.toml").run.warm == Warm{});
    CHECK(warm("kind = \"none\"") == Warm{});
    CHECK(warm("kind = \"zygote\"").kind == Warm::Kind::zygote);
    CHECK(warm(R"(kind = "gate", max_age = 30, private = "3 MiB")") ==
          Warm{.kind = Warm::Kind::gate,
               .prime = "",
               .primed_by = "",
               .max_age = std::chrono::seconds{30},
               .memory = config::Bytes{3 << 20}});
    CHECK(warm(R"(kind = "gate", prime = "x", primed_by = "X=-r {prime}")") ==
          Warm{.kind = Warm::Kind::gate, .prime = "x", .primed_by = "X=-r {prime}", .memory = {}});
}

TEST_CASE("a compiler can be started before its job is there, where there is what that needs") {
    const auto compile = [](const std::string& lines) {
        return parse_manifest(replaced(complete, "[compile]\n", "[compile]\n" + lines), "c.toml");
    };
    const auto manifest =
        compile("argv_needs = \"/usr/lib/x-{major}\"\nwarm = { kind = \"gate\" }\n");
    CHECK(manifest.argv_needs == "/usr/lib/x-{major}");
    CHECK(manifest.compile->warm.kind == Warm::Kind::gate);
    CHECK(compile("").argv_needs.empty());
    CHECK(refusal(replaced(complete, "[compile]\n", "[compile]\nwarm = { kind = \"zygote\" }\n"))
              .ends_with("a compiler is started, never forked"));
    CHECK(refusal(least + "[compile]\nscript = \"x\"\nargv_needs = \"/y\"\n")
              .ends_with(R"("argv_needs" is for a stage with "argv" and "script")"));
}

TEST_CASE("a compile stage says whether what comes of it may be kept") {
    const auto unless = [](const std::string& line) {
        const auto text = replaced(complete, "[compile]\n", "[compile]\n" + line + "\n");
        return parse_manifest(text, "c.toml").compile->cache_unless;
    };
    using Texts = std::vector<std::string>;
    CHECK(unless("cache = true") == Texts{});
    CHECK(unless("cache_unless = [\"%DATE\"]") == Texts{"%DATE"});
    CHECK(unless("cache = false") == std::nullopt);
    CHECK(unless("") == std::nullopt);
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
    const std::string unprimed =
        R"(x.toml:8: "prime" and a "primed_by" of the form KEY=value with {prime} need each other)";
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
        {"a way to start ahead in a word", least + "warm = \"gate\"\n",
         "x.toml:8: \"warm\" takes a table"},
        {"no way to start ahead", least + "warm = {}\n", "x.toml:8: \"kind\" is missing"},
        {"an unknown way to start ahead", with_warm("kind = \"fork\""),
         "x.toml:8: \"kind\" is \"none\", \"gate\" or \"zygote\""},
        {"an unknown key of a start", with_warm("kind = \"gate\", park = 3"),
         "x.toml:8: unknown key \"park\""},
        {"an age of nothing", with_warm("kind = \"gate\", max_age = 0"),
         "x.toml:8: \"max_age\" takes whole seconds from 1 to 3600"},
        {"an age in words", with_warm("kind = \"gate\", max_age = \"1m\""),
         "\"max_age\" takes whole seconds"},
        {"an age beyond the engine's", with_warm("kind = \"gate\", max_age = 3601"),
         "\"max_age\" takes whole seconds"},
        {"a size that is none", with_warm("kind = \"gate\", private = \"3 apples\""),
         "x.toml:8: \"private\" takes a size such as \"3 MiB\""},
        {"a size in a number", with_warm("kind = \"gate\", private = 3"),
         "x.toml:8: \"private\" takes text"},
        {"a file that nobody reads", with_warm("kind = \"gate\", prime = \"x\""), unprimed},
        {"a file that is named and not there",
         with_warm(R"(kind = "gate", primed_by = "X={prime}")"), unprimed},
        {"a file that is there and not named",
         with_warm(R"(kind = "gate", prime = "x", primed_by = "X=prime")"), unprimed},
        {"a file named by no variable",
         with_warm(R"(kind = "gate", prime = "x", primed_by = "{prime}")"), unprimed},
        {"a file to read first outside of a start", replaced(least, "{main}", "{prime}"),
         "\"{prime}\" means nothing here"},
        {"a start of a shell script",
         replaced(with_warm("kind = \"gate\""), R"(argv = ["{program}", "{main}"])",
                  "script = \"exec x\""),
         "x.toml:8: \"warm\" needs a stage with \"argv\""},
        {"a cache that is neither", replaced(complete, "[compile]\n", "[compile]\ncache = 1\n"),
         "\"cache\" is true or false, without \"cache_unless\""},
        {"a cache twice",
         replaced(complete, "[compile]\n", "[compile]\ncache = true\ncache_unless = []\n"),
         "without \"cache_unless\""},
        {"a cache unless there is a file",
         replaced(complete, "[compile]\n", "[compile]\ncache_unless = [\"\"]\n"),
         "an empty text is in every file"},
        {"a cache of the run stage", least + "cache = true\n", "x.toml:8: unknown key \"cache\""},
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
    const auto warm = with_warm(
        R"(kind = "gate", prime = "x", primed_by = "X={prime}", max_age = 9, private = "1 MiB")");
    const std::string_view seeds[] = {complete, least, warm};
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
