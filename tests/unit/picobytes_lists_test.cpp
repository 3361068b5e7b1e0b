#include "api/dialects/picobytes_lists.h"

#include <doctest/doctest.h>

#include "api/dialects/c_tokens.h"

namespace {

using dialects::CToken;
using dialects::ListBreach;
using Which = ListBreach::Which;
using Names = std::vector<std::string>;

std::vector<std::string> spellings(std::string_view text, CToken::Kind kind) {
    std::vector<std::string> found;
    for (const auto& token : dialects::c_tokens(text)) {
        if (token.kind == kind) found.emplace_back(token.spelling);
    }
    return found;
}

Names names(std::string_view text) {
    return spellings(text, CToken::Kind::name);
}

// As gcc -E begins the submitted code.
std::string preprocessed(const std::string& code) {
    return "# 1 \"/usr/include/stdio.h\" 1 3 4\nextern int atoi(const char*);\n"
           "# 1 \"code.c\"\n" +
           code;
}

std::vector<ListBreach> judged(const dialects::FunctionLists& lists, const std::string& code,
                               const std::string& symbols) {
    const auto text = preprocessed(code);
    return dialects::breaches(
        lists, {.source = code, .preprocessed = text, .symbols = symbols, .own_assert = "xnote"});
}

dialects::FunctionLists denied(Names list) {
    return {.allowed = {}, .denied = std::move(list)};
}

dialects::FunctionLists allowed(Names list) {
    return {.allowed = std::move(list), .denied = {}};
}

std::vector<ListBreach> one(Which which, const std::string& name, int line) {
    return {{which, name, line}};
}

}  // namespace

TEST_CASE("only names are names") {
    struct Row {
        std::string name, text;
        Names expected;
    };
    const Row rows[] = {
        {"a call", "f(x1);", {"f", "x1"}},
        {"a comment to the line's end", "a // atoi\nb", {"a", "b"}},
        {"a comment", "a /* atoi\n ** / */ b", {"a", "b"}},
        {"a string", "a \"atoi(\\\"x\\\")\" b", {"a", "b"}},
        {"a character", R"('"' a '\'' b)", {"a", "b"}},
        {"a string with a prefix", R"(L"atoi" u8"b" a)", {"a"}},
        {"a raw string", "R\"x(\" atoi )\" )x\" a", {"a"}},
        {"a number", "0x1fp-3 12ul 1.5e+10f .5e3 a 1'000'000", {"a"}},
        {"a comment begun in a string", R"("/*" a "*/")", {"a"}},
        {"a string that is not closed", "\"atoi\na", {"a"}},
        {"a comment that is not closed", "a /* atoi", {"a"}},
        {"nothing", "", {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(names(row.text) == row.expected);
    }
}

TEST_CASE("a token knows its line and whether the system's headers have it") {
    const auto tokens = dialects::c_tokens(
        "# 1 \"code.c\"\na\n# 7 \"/usr/include/x.h\" 1 3\nb\n# 3 \"code.c\" 2\nc /*\n*/ d\n"
        "# 1 \"<built-in>\"\ne");
    REQUIRE(tokens.size() == 5);
    const int lines[] = {1, 7, 3, 4, 1};
    const bool of_headers[] = {false, true, false, false, true};
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        CAPTURE(i);
        CHECK(tokens[i].line == lines[i]);
        CHECK(tokens[i].is_system == of_headers[i]);
    }
}

TEST_CASE("a code that names its own lines is known by that") {
    const std::string yes[] = {
        "#line 5",     "  # line 5 \"x.h\"",        "#5 \"x.h\" 3", "%: 5 \"x.h\"", "#/* */line 2",
        "#li\\\nne 2", "int a;\n# \\\n 1 \"x.h\" 3"};
    for (const auto& text : yes) {
        CAPTURE(text);
        CHECK(dialects::renames_lines(text));
    }
    const std::string no[] = {
        "",  "#include <x.h>", "// #line 5",   "/*\n#line 5\n*/", "\"#line 5\"", "a #line 5",
        "#", "#define line 5", "#pragma once", "line 5"};
    for (const auto& text : no) {
        CAPTURE(text);
        CHECK_FALSE(dialects::renames_lines(text));
    }
}

TEST_CASE("a denied function is found however it is used") {
    struct Row {
        std::string name, code, symbols;
        std::vector<ListBreach> expected;
    };
    const Row rows[] = {
        {"called", "void f() {\n atoi(\"ls\"); }", "atoi U\n", one(Which::denied, "atoi", 2)},
        {"over many lines", "void f() { atoi\n(\n\"ls\"); }", "atoi U\n",
         one(Which::denied, "atoi", 1)},
        {"by a pointer", "int (*p)(const char*) = atoi;", "atoi U\n",
         one(Which::denied, "atoi", 1)},
        {"never", "int f() { return 1; }", "", {}},
        {"in a comment, which is gone, and in a string", "char* s = \"atoi(1)\";", "puts U\n", {}},
        {"under a label that no name tells of", "int g(char*);", "atoi U\n",
         one(Which::denied, "atoi", 0)},
        {"under the library's own name", "int f();", "__libc_atoi U\n",
         one(Which::denied, "atoi", 0)},
        {"as the compiler's own", "void f() { __builtin_atoi(1); }", "",
         one(Which::denied, "atoi", 1)},
        {"by its name in a string", "void f() { dlsym(0, \"atoi\"); }", "dlsym U\n",
         one(Which::denied, "dlsym", 1)},
        {"in assembly", "void f() {\n __asm__ volatile(\"call atoi\"); }", "",
         one(Which::denied, "asm", 2)},
        {"in disguise as a header's", "#line 1 \"/usr/include/x.h\"\nvoid f() {}", "",
         one(Which::denied, "#line", 0)},
        {"only declared in a header", "", "", {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(judged(denied({"atoi"}), row.code, row.symbols) == row.expected);
    }
}

TEST_CASE("a label of a header is no assembly, and an instruction of one is") {
    const auto judge = [](const std::string& text) {
        const auto header = "# 1 \"/usr/include/stdio.h\" 1 3\n" + text;
        return dialects::breaches(
            denied({"atoi"}),
            {.source = "", .preprocessed = header, .symbols = "", .own_assert = "xnote"});
    };
    CHECK(judge("int scanf(const char*) __asm__ (\"\" \"__isoc99_scanf\");").empty());
    CHECK(judge("void f() { asm(\"syscall\"); }") == one(Which::denied, "asm", 0));
}

TEST_CASE("a list of what is allowed allows that and nothing else") {
    struct Row {
        std::string name, code, symbols;
        std::vector<ListBreach> expected;
    };
    const Row rows[] = {
        {"allowed", "printf(1)", "printf U\n", {}},
        {"another", "int main() {\n puts(1); }", "puts U\nprintf U\n",
         one(Which::not_allowed, "puts", 2)},
        {"two others, once each",
         "exit(1); abort(); exit(2);",
         "exit U\nabort U\n",
         {{Which::not_allowed, "abort", 1}, {Which::not_allowed, "exit", 1}}},
        {"objects", "stdout; errno", "stdout U\n__errno_location U\n", {}},
        {"what the compiler inserts", "a = b;", "memcpy U\n__udivti3 U\n__stack_chk_fail U\n", {}},
        {"the same if it is written", "memcpy(1);", "memcpy U\n",
         one(Which::not_allowed, "memcpy", 1)},
        {"no arithmetic", "__dup2(1);", "__dup2 U\n", one(Which::not_allowed, "__dup2", 1)},
        {"what its header calls it", "scanf", "__isoc99_scanf U\n", {}},
        {"own assertions", "", "xnote U\n", {}},
        {"the compiler's own", "__builtin_alloca(3)", "", one(Which::not_allowed, "alloca", 1)},
        {"the compiler's own in macros of headers", "__builtin_va_start(a)", "", {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(judged(allowed({"printf", "scanf"}), row.code, row.symbols) == row.expected);
    }
    CHECK(judged({}, "atoi(1)", "atoi U\n").empty());
}

TEST_CASE("a breach is told in the service's sentences") {
    CHECK(dialects::sentence_of({Which::denied, "atoi", 3}) == "Not allowed to use atoi");
    CHECK(dialects::sentence_of({Which::not_allowed, "puts", 0}) ==
          "Use of function that is not in the allowed list: puts");
}
