// The wire of picobytes through a running engine: one row a fact. What is decided without an engine
// is in tests/unit/picobytes_*_test.cpp.
#include <doctest/doctest.h>

#include <string>

#include "tests/support/engine_process.h"

using support::EngineProcess;
using support::Json;

namespace {

EngineProcess& engine() {
    // Sanitizers and neighbours make steps slow; what must be in time says so itself.
    static EngineProcess shared({"dialects.picobytes.max_timeout=120s"});
    return shared;
}

Json submit(const std::string& code, const std::string& tests, Json more = Json::object()) {
    Json body{{"code", code}, {"tests", tests}, {"timeout", 100}, {"perTestTimeout", 30}};
    body.update(more);
    const auto answer = engine().post("/submit", body.dump());
    CAPTURE(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json();
}

std::string text_of(const Json& reply, const char* key) {
    return reply.value(key, std::string{});
}

bool has(const Json& reply, const char* key, const std::string& text) {
    return text_of(reply, key).find(text) != std::string::npos;
}

const std::string headers = "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n";

}  // namespace

TEST_CASE("a submission whose tests hold is answered with exactly the service's keys") {
    const auto reply =
        submit("int f(int x) { return x * x; }", "assert(f(2)==4);\nassert(f(3)==9);");
    std::string keys;
    for (const auto& [key, value] : reply.items()) keys += key + " ";
    CHECK(keys ==
          "build compile run output compilation_time run_time valgrind formatted_response "
          "failed_tests ");
    CHECK(reply["build"] == true);
    CHECK(reply["compile"] == true);
    CHECK(reply["run"] == true);
    CHECK(text_of(reply, "output") == "ASSERT PASSED!\nASSERT PASSED!\n");
    CHECK(reply["compilation_time"].get<double>() > 0);
    CHECK(reply["run_time"].get<double>() > 0);
    CHECK(text_of(reply, "valgrind").starts_with("HEAP SUMMARY:"));
    CHECK_FALSE(has(reply, "valgrind", "=="));
    CHECK_FALSE(has(reply, "valgrind", "0x"));
    CHECK(reply["formatted_response"] == Json::array());
    CHECK(reply["failed_tests"] == Json::array());
}

TEST_CASE("assertions fail by their number, whatever the program prints") {
    const auto reply = submit(headers + "int f(int x) { puts(\"ASSERT FAILED: x\"); return x; }\n",
                              "assert(f(1) == 1);\nassert(f(2) == 1);\nassert(f(3) == 3);");
    CHECK(reply["run"] == false);
    CHECK(reply["failed_tests"].dump() == "[2]");
    CHECK(text_of(reply, "output") ==
          "ASSERT FAILED: x\nASSERT PASSED!\nASSERT FAILED: x\nASSERT FAILED: f(2) == 1\n"
          "ASSERT FAILED: x\nASSERT PASSED!\n");
}

TEST_CASE("a test that crashes, exits or never ends fails alone") {
    struct Row {
        std::string name, code, tests, failed, reason;
    };
    const Row rows[] = {
        {"a crash in the first of three", "int f(int x) { return x == 1 ? *(volatile int*)0 : x; }",
         "assert(f(1)==1); assert(f(2)==2); assert(f(3)==3);", "[1]", "test 1: SIGSEGV"},
        {"no end in the second of three", "int f(int x) { while (x == 2); return x; }",
         "assert(f(1)==1); assert(f(2)==2); assert(f(3)==3);", "[2]",
         "test 2: Command time out after 2 seconds."},
        {"an exit that looks well", headers + "int f(int x) { if (x == 1) exit(0); return x; }",
         "assert(f(1)==1); assert(f(2)==3);", "[1,2]", "test 1: ended the program with code 0"},
        {"what an assertion did is there for the next",
         "static int n; int push(void) { return ++n; }",
         "assert(push()==1); assert(push()==2); assert(push()==3);", "[]", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto reply = submit(row.code, row.tests, {{"perTestTimeout", 2}});
        CAPTURE(reply.dump());
        CHECK(reply["compile"] == true);
        CHECK(reply["run"] == (row.failed == "[]"));
        CHECK(reply["failed_tests"].dump() == row.failed);
        CHECK(has(reply, "output", row.reason));
    }
}

TEST_CASE("a denied function cannot be had by another way") {
    struct Row {
        std::string name, code;
        std::string denied;  // empty: it is none
    };
    const Row rows[] = {
        {"a call", headers + "int f(void) { return atoi(\"ls\"); }", "atoi"},
        {"a macro", headers + "#define RUN(x) ato##i(x)\nint f(void) { return RUN(\"ls\"); }",
         "atoi"},
        {"a pointer", headers + "int (*p)(const char*) = atoi;\nint f(void) { return p(\"\"); }",
         "atoi"},
        {"a call over many lines", headers + "int f(void) { return atoi\n(\n\"ls\"\n); }", "atoi"},
        {"a label", "int other(const char*) __asm__(\"atoi\");\nint f(void) { return other(0); }",
         "asm"},
        {"a symbol of another name",
         "#pragma redefine_extname other atoi\nint other(const char*);\n"
         "int f(void) { return other(0); }",
         "atoi"},
        {"its name at run time",
         "#include <dlfcn.h>\nint f(void) { return dlsym(0, \"at\" \"oi\") != 0; }", "dlsym"},
        {"a comment", "// atoi(1)\n/* atoi */ int f(void) { return 1; }", ""},
        {"a string", headers + "int f(void) { return puts(\"atoi()\") > 0; }", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto reply = submit(row.code, "assert(f());", {{"blacklisted", {"atoi"}}});
        CAPTURE(reply.dump());
        CHECK(reply["run"] == row.denied.empty());
        CHECK(reply["compile"] == row.denied.empty());
        CHECK(has(reply, "output", "Not allowed to use " + row.denied) != row.denied.empty());
    }
}

TEST_CASE("only what is on the list of allowed functions may be called, and the code's own") {
    const auto code = headers +
                      "static int own(int x) { return abs(x); }\n"
                      "struct big { int a[99]; }; struct big copy(struct big b) { return b; }\n"
                      "int f(int x) { printf(\"%d\\n\", own(x)); return x; }\n";
    const Json both{{"whitelisted", {"printf", "abs"}}};
    const auto good = submit(code, "assert(f(1) == 1);\nassert(strlen(\"ab\") == 2);", both);
    CAPTURE(good.dump());
    CHECK(good["run"] == true);
    const Json one{{"whitelisted", {"printf"}}};
    const auto bad = submit(code, "assert(f(1) == 1);", one);
    CHECK(bad["build"] == false);
    CHECK(bad["compile"] == false);
    CHECK(bad["compilation_time"] == -1);
    CHECK(has(bad, "output", "Use of function that is not in the allowed list: abs"));
}

TEST_CASE("Valgrind's report names the submission's lines") {
    struct Row {
        std::string name, line, what;
    };
    const Row rows[] = {
        {"a leak", "return malloc(40) != 0;", "definitely lost"},
        {"a use after it was freed", "int* p = malloc(4); *p = 1; free(p); return *p >= 0;",
         "Invalid read of size 4"},
        {"a read of what was never written",
         "int* p = malloc(4); int r = *p > 7 ? 1 : 2; free(p); return r > 0;",
         "uninitialised value"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto reply =
            submit(headers + "int f(void) {\n" + row.line + "\n}", "assert(f() || 1);");
        CAPTURE(reply.dump());
        CHECK(reply["run"] == true);
        CHECK(has(reply, "valgrind", row.what));
        CHECK(has(reply, "valgrind", "f (code.c:5)"));
        CHECK(has(reply, "valgrind", "(path hidden)"));
        CHECK_FALSE(has(reply, "valgrind", "/usr"));
    }
}

TEST_CASE("the compiler's words have the submission's lines") {
    const auto broken = submit("int f(void) {\n  return x;\n}", "assert(f());");
    CHECK(broken["build"] == true);
    CHECK(broken["compile"] == false);
    CHECK(broken["run_time"] == -1);
    CHECK(text_of(broken, "valgrind").empty());
    CHECK(has(broken, "output", "code.c:2:10: error:"));
    CHECK(broken["formatted_response"][0][0] == 2);
    CHECK(broken["formatted_response"][0][1].get<std::string>().find("undeclared") !=
          std::string::npos);

    const auto own_main = submit("int f;\nint main(void) { return 0; }", "");
    CHECK(own_main["compile"] == false);
    CHECK(own_main["formatted_response"][0][0] == 2);

    const auto linked = submit("int g(void);\nint f(void) { return g(); }", "");
    CHECK(linked["compile"] == false);
    CHECK(has(linked, "output", "undefined reference to"));

    const auto warned = submit("int f(void) { return g(); }\nint g(void) { return 1; }", "");
    CHECK(warned["run"] == true);
    CHECK(warned["formatted_response"][0][0] == 1);
}

TEST_CASE("no tests are no failed ones, and many are as many") {
    const auto none = submit("int f(void) { return 1; }", "");
    CHECK(none["run"] == true);
    CHECK(text_of(none, "output").empty());
    CHECK(none["failed_tests"] == Json::array());

    std::string tests;
    for (int i = 1; i <= 200; ++i) tests += "assert(f(" + std::to_string(i) + ") % 50 != 0);\n";
    const auto many = submit("int f(int x) { return x; }", tests);
    CHECK(many["failed_tests"].dump() == "[50,100,150,200]");
}

TEST_CASE("the time for everything and the time for a step are told in the service's words") {
    const std::string endless = "int f(void) { for (;;); }";
    CHECK(submit(endless, "assert(f());", {{"timeout", 3}, {"perTestTimeout", 30}}).dump() ==
          R"({"error":"Total Timeout exceeded (3s)!!!"})");
    CHECK(submit("int f;", "", {{"timeout", 0}}).dump() ==
          R"({"error":"Total Timeout exceeded (0s)!!!"})");
    const auto no_step = submit("int f;", "", {{"perTestTimeout", 0}});
    CHECK(no_step["compile"] == false);
    CHECK(has(no_step, "output", "Command time out after 0 seconds."));
}

TEST_CASE("C++ is tested likewise") {
    const auto reply = submit(
        "#include <vector>\nint sum(std::vector<int> v) { int s = 0; for (int x : v) s += x; "
        "return s; }",
        "assert(sum({1, 2}) == 3);", {{"language", "cpp"}});
    CAPTURE(reply.dump());
    CHECK(reply["run"] == true);
}

TEST_CASE("what is missing or mistyped is a 422 with its place") {
    const auto missing = engine().post("/submit", "{}");
    CHECK(missing.status == 422);
    CHECK(missing.json()["detail"][0]["loc"].dump() == R"(["body","code"])");
    CHECK(missing.json()["detail"][0]["msg"] == "Field required");
    CHECK(missing.json()["detail"][0]["type"] == "missing");
    const auto mistyped = engine().post("/submit", R"({"code":"","blacklisted":[1]})");
    CHECK(mistyped.status == 422);
    CHECK(mistyped.json()["detail"][0]["type"] == "string_type");
    CHECK(engine().post("/submit", "{").status == 422);
}
