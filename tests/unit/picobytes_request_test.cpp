#include "api/dialects/picobytes_request.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "api/dialects/picobytes_lists.h"
#include "api/dialects/picobytes_reply.h"
#include "api/dialects/picobytes_report.h"
#include "api/dialects/picobytes_source.h"
#include "api/dialects/picobytes_trial.h"
#include "isolate/sys/file.h"
#include "packages/package.h"
#include "tests/support/mutation.h"

namespace {

using dialects::Diagnostic;
using dialects::PicobytesRequest;
using dialects::Unprocessable;
using Json = nlohmann::ordered_json;

const dialects::Secrets secrets{"qq", "mm"};

// The first row of what is wrong with it: "type loc msg".
std::string refusal(const std::string& body) {
    try {
        dialects::decode_picobytes(body);
    } catch (const Unprocessable& error) {
        const auto row = Json::parse(error.body())["detail"][0];
        return row["type"].get<std::string>() + " " + row["loc"].dump() + " " +
               row["msg"].get<std::string>();
    }
    return "nothing";
}

}  // namespace

TEST_CASE("a submission is read with the service's defaults") {
    const auto least = dialects::decode_picobytes(R"({"code":"int a;","more":{}})");
    CHECK(least == PicobytesRequest{.code = "int a;"});
    CHECK(least.timeout == 15);
    CHECK(least.per_test_timeout == 5);
    const auto nulls = dialects::decode_picobytes(
        R"({"code":"","tests":null,"whitelisted":null,"blacklisted":null})");
    CHECK(nulls == PicobytesRequest{});
    const auto all = dialects::decode_picobytes(
        R"({"code":"c","tests":"t","timeout":"7","perTestTimeout":2.0,"whitelisted":[],)"
        R"("blacklisted":["a","b"],"language":"c"})");
    CHECK(all.tests == "t");
    CHECK(all.timeout == 7);
    CHECK(all.per_test_timeout == 2);
    CHECK(all.lists.allowed == std::vector<std::string>{});
    CHECK(all.lists.denied == std::vector<std::string>{"a", "b"});
}

TEST_CASE("what cannot be processed is told as FastAPI tells it") {
    struct Row {
        std::string body, expected;
    };
    const Row rows[] = {
        {"", R"(missing ["body"] Field required)"},
        {"{", R"(json_invalid ["body",1] JSON decode error)"},
        {"[]",
         R"(model_attributes_type ["body"] Input should be a valid dictionary or object to extract fields from)"},
        {"{}", R"(missing ["body","code"] Field required)"},
        {R"({"code":1})", R"(string_type ["body","code"] Input should be a valid string)"},
        {R"({"code":null})", R"(string_type ["body","code"] Input should be a valid string)"},
        {R"({"code":"","tests":[]})",
         R"(string_type ["body","tests"] Input should be a valid string)"},
        {R"({"code":"","timeout":null})",
         R"(int_type ["body","timeout"] Input should be a valid integer)"},
        {R"({"code":"","timeout":1.5})",
         R"(int_from_float ["body","timeout"] Input should be a valid integer, got a number with a fractional part)"},
        {R"({"code":"","perTestTimeout":"soon"})",
         R"(int_parsing ["body","perTestTimeout"] Input should be a valid integer, unable to parse string as an integer)"},
        {R"({"code":"","whitelisted":"f"})",
         R"(list_type ["body","whitelisted"] Input should be a valid list)"},
        {R"({"code":"","blacklisted":["f",2]})",
         R"(string_type ["body","blacklisted",1] Input should be a valid string)"},
        {R"({"code":"","language":"rust"})",
         R"(literal_error ["body","language"] Input should be 'c' or 'cpp')"},
        {R"({"code":"","language":"cpp","whitelisted":[]})",
         R"(value_error ["body","whitelisted"] Value error, a list of allowed functions is for C alone)"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.body);
        CHECK(refusal(row.body) == row.expected);
    }
    CHECK(refusal(std::string(100'000, '[')).starts_with("json_invalid"));
}

TEST_CASE("the answer has the service's keys") {
    CHECK(dialects::encode(dialects::PicobytesReply{}) ==
          R"({"build":false,"compile":false,"run":false,"output":"","compilation_time":-1,)"
          R"("run_time":-1,"valgrind":"","formatted_response":[],"failed_tests":[]})");
    const dialects::PicobytesReply reply{.build = true,
                                         .output = "a\n",
                                         .compilation_time = 0.25,
                                         .formatted_response = {{3, "m"}, {4, "n"}},
                                         .failed_tests = {1, 12}};
    const auto json = Json::parse(dialects::encode(reply));
    CHECK(json["compilation_time"] == 0.25);
    CHECK(json["formatted_response"].dump() == R"([[3,"m"],[4,"n"]])");
    CHECK(json["failed_tests"].dump() == "[1,12]");
    CHECK(dialects::encode_total_timeout(15) == R"({"error":"Total Timeout exceeded (15s)!!!"})");
}

TEST_CASE("diagnostics of the compiler have the submission's lines") {
    const std::string array =
        R"([{"kind":"error","message":"one","locations":[{"caret":{"file":"code.c","line":2}}]},)"
        R"({"kind":"note","message":"no","locations":[]},)"
        R"({"kind":"warning","message":"two","locations":[{"caret":{"file":"tests.c","line":1}}]},)"
        R"({"kind":"error","message":"main","locations":[{"caret":{"file":"main.c","line":1}}],)"
        R"("children":[{"kind":"note","locations":[{"caret":{"file":"code.c","line":5}}]}]}])";
    const auto linker = "ld: code.o: in function `f':\n/box/code.c:3: undefined reference to `g'\n";
    const std::vector<Diagnostic> expected{
        {2, "one"}, {6, "two"}, {5, "main"}, {3, "undefined reference to `g'"}};
    CHECK(dialects::diagnostics_of(array + "\n[]\nnoise\n[1,{},[", linker, "a\nb\nc") == expected);
}

TEST_CASE("a report of Valgrind is told without what it tells of the machine") {
    const auto* const report =
        "==8== Memcheck\n==8== Invalid read\n"
        "==8== HEAP SUMMARY:\n==8==     in use at exit: 24 bytes in 1 blocks\n==8== \n"
        "mine\n==x== mine\n"
        "==8==    at 0x48417B4: malloc (in /usr/lib/x.so)\n==8==    by 0x10: f (code.c:4)\n";
    CHECK(dialects::valgrind_text(report, secrets) ==
          "HEAP SUMMARY:\nin use at exit: 24 bytes in 1 blocks\n"
          "at (address hidden): malloc (in (path hidden))\nby (address hidden): f (code.c:4)");
    CHECK(dialects::valgrind_text("==8== nothing\n", secrets) == "HEAP SUMMARY not found.");
}

TEST_CASE("code and tests keep their lines in the unit") {
    const PicobytesRequest request{.code = "int f;\\", .tests = "assert(@P@);"};
    const auto unit = dialects::unit_text(request, secrets);
    CHECK(unit.find("\n# line 1 \"code.c\"\nint f;\\\n\n") != std::string::npos);
    CHECK(unit.find("\n# line 1 \"tests.c\"\nassert(@P@);\n") != std::string::npos);
    CHECK(dialects::program_text(request, secrets).find('@') == std::string::npos);
    CHECK(dialects::line_of_test("a\nb", 1) == 5);
    CHECK(dialects::line_of_test("a\nb\n", 1) == 5);
}

TEST_CASE("whatever picobytes is given, it reads to the end") {
    std::mt19937 random{20261121};
    const std::string code =
        "# 1 \"code.c\"\nint f(void) { return R\"x(a)x\" L'\\'' 0x1p+3 /* */ // \n# 5 \"/usr/x\" "
        "3\n"
        "__asm__ (\"\" \"__a\"); __builtin___memcpy_chk(1); dlsym\n";
    const std::string body =
        R"({"code":"a","tests":null,"timeout":1,"whitelisted":["a"],"language":"cpp"})";
    const std::string diagnostics =
        R"([{"kind":"error","message":"m","locations":[{"caret":{"file":"code.c","line":2}}],"children":[{"locations":[]}]}])";
    const std::string marks = "t\x01mmb 1 3:x>1\x01mmp 1 0:\x01mms 2 1:y\x01mmd 0 0:";
    const std::string report = "==1== HEAP SUMMARY:\n==1== at 0x1: f (in /usr/a)\n";
    for (int round = 0; round < 10'000; ++round) {
        const auto text = support::mutated(code, "\"'/*#\\\nR()_ ", random);
        const auto symbols = support::mutated("system U\n__udivti3 U\n", "_ \nU", random);
        const dialects::Evidence evidence{text, text, symbols, "x"};
        const auto found = dialects::breaches({{{"a"}}, {{"memcpy"}}}, evidence);
        CHECK(found.size() <= text.size() + symbols.size());
        try {
            dialects::decode_picobytes(support::mutated(body, "{}[]\",:1", random));
        } catch (const Unprocessable& error) {
            REQUIRE(Json::accept(error.body()));
        }
        const auto lines = dialects::diagnostics_of(
            support::mutated(diagnostics, "{}[]\",:1", random), text, code);
        for (const auto& line : lines) REQUIRE(line.line >= 0);
        dialects::Trial trial{"mm", 3, std::chrono::seconds{1}, 64};
        engine::StageResult run;
        run.output.out = support::mutated(marks, "\x01mbpsd 019:", random);
        trial.take(run);
        REQUIRE(trial.output().size() <= 64 * 3 + 64);
        REQUIRE_FALSE(
            dialects::valgrind_text(support::mutated(report, "=0x/( \n", random), secrets).empty());
    }
}

TEST_CASE("the compiler is that of the runtime's own compile stage") {
    using dialects::toolchain_of;
    const auto language = PicobytesRequest::Language::cpp;
    const auto told = [&](const packages::Script& script) -> std::string {
        const auto toolchain = toolchain_of(script, language);
        return toolchain ? toolchain->compiler + " " + toolchain->standard : "none";
    };
    CHECK(told({.argv = {"/usr/bin/gcc", "-pipe", "-std=gnu17", "{files}"}, .text = {}}) ==
          "/usr/bin/gcc -std=gnu17");
    CHECK(told({.argv = {"/usr/bin/cc", "{files}"}, .text = "exec no"}) == "/usr/bin/cc ");
    CHECK(told({.argv = {},
                .text = "#!/bin/sh\n/usr/bin/g++ -std=gnu++98 && exec rm said\nexec /bin/c++ "
                        "-pipe -std=gnu++17 \"$@\"\n"}) == "/bin/c++ -std=gnu++17");
    CHECK(told({.argv = {}, .text = "execute /usr/bin/g++\n"}) == "none");
    CHECK(told({.argv = {}, .text = "exec g++\n"}) == "none");
    CHECK(told({.argv = {}, .text = ""}) == "none");
}

TEST_CASE("of the recipes that come along, all of C and C++ name their compiler") {
    int seen = 0;
    const auto recipes = std::filesystem::path{__FILE__}.parent_path() / "../../packages/recipes/c";
    for (const auto& entry : std::filesystem::directory_iterator{recipes}) {
        const auto file = entry.path().string();
        const auto text = sys::read_file(file);
        if (!packages::is_package(text, file)) continue;
        CAPTURE(file);
        for (const auto& provided : packages::parse_package(text, file).provides) {
            if (provided.language != "c" && provided.language != "c++") continue;
            CAPTURE(provided.language);
            CHECK(dialects::toolchain_of(provided.compile.value(), PicobytesRequest::Language::c)
                      .has_value());
            ++seen;
        }
    }
    CHECK(seen >= 4);
}
