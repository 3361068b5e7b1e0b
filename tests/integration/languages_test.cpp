// Real programs in real languages, through HTTP, in a container.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/engine_process.h"

using support::EngineProcess;
using support::Json;

namespace {

EngineProcess& engine() {
    // Generous, so that the same tests hold on an emulated machine, where a compiler takes a while.
    static EngineProcess shared{{"limits.compile.wall_time=120s", "limits.compile.cpu_time=120s",
                                 "limits.run.wall_time=60s", "limits.run.cpu_time=60s"}};
    return shared;
}

}  // namespace

TEST_CASE("every host toolchain says hello, reads its input and its arguments") {
    struct Row {
        const char* language;
        const char* file;
        const char* code;
    };
    const Row rows[] = {
        {"bash", "main.sh", "read line; echo \"hello $line $1\"\n"},
        {"python", "main.py", "import sys\nprint('hello', input(), sys.argv[1])\n"},
        {"javascript", "main.js",
         "const line = require('fs').readFileSync(0, 'utf8').trim();\nconsole.log('hello', line, "
         "process.argv[2]);\n"},
        {"perl", "main.pl",
         "my $line = <STDIN>; chomp $line; print \"hello $line $ARGV[0]\\n\";\n"},
        {"c", "main.c",
         "#include <stdio.h>\nint main(int c, char** v) { char s[64]; if (scanf(\"%63s\", s) != 1) "
         "return 1; printf(\"hello %s %s\\n\", s, v[1]); (void)c; }\n"},
        {"c++", "main.cpp",
         "#include <iostream>\nint main(int, char** v) { std::string s; std::cin >> s; std::cout "
         "<< \"hello \" << s << ' ' << v[1] << '\\n'; }\n"},
        {"java", "Main.java",
         "import java.util.Scanner;\npublic class Main { public static void main(String[] a) { "
         "System.out.println(\"hello \" + new Scanner(System.in).next() + \" \" + a[0]); } }\n"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.language);
        const auto answer = engine().run(row.language, "",
                                         {{"files", {{{"name", row.file}, {"content", row.code}}}},
                                          {"stdin", "there"},
                                          {"args", {"friend"}}});
        CAPTURE(answer.dump());
        CHECK(answer["run"]["stdout"] == "hello there friend\n");
        CHECK(answer["run"]["stderr"] == "");
        CHECK(answer["run"]["code"] == 0);
        CHECK(answer["run"]["signal"].is_null());
        CHECK(answer["run"]["status"].is_null());
    }
}

TEST_CASE("a compile error is told in compile and again in run, and nothing runs") {
    const auto answer = engine().run("c", "int main() { return undeclared; }\n");
    CHECK(answer["compile"]["code"] == 1);
    CHECK(answer["compile"]["status"] == "RE");
    CHECK(answer["compile"]["stderr"].get<std::string>().find("undeclared") != std::string::npos);
    CHECK(answer["run"] == answer["compile"]);
}

TEST_CASE("an exit code, a signal and standard error are told as they were") {
    CHECK(engine().run("bash", "exit 3")["run"]["code"] == 3);
    CHECK(engine().run("bash", "exit 3")["run"]["message"] == "Exited with error status 3");
    CHECK(engine().run("bash", "exit 137")["run"]["code"] == 137);
    const auto killed = engine().run("bash", "kill -SEGV $$")["run"];
    CHECK(killed["signal"] == "SIGSEGV");
    CHECK(killed["code"].is_null());
    CHECK(killed["status"] == "SG");
    CHECK(engine().run("bash", "echo out; echo err >&2")["run"]["stderr"] == "err\n");
    CHECK(engine().run("bash", "echo out; echo err >&2")["run"]["output"] == "out\nerr\n");
}

TEST_CASE(
    "several files, some in directories and some binary, are where the program expects them") {
    const auto answer = engine().run(
        "python", "",
        {{"files",
          {{{"name", "main.py"},
            {"content", "from lib.part import f\nprint(f(), open('data.bin', 'rb').read())\n"}},
           {{"name", "lib/part.py"}, {"content", "def f(): return 42\n"}},
           {{"name", "data.bin"}, {"content", "AAH/"}, {"encoding", "base64"}}}}});
    CHECK(answer["run"]["stdout"] == "42 b'\\x00\\x01\\xff'\n");
}

TEST_CASE("every job directory holds code.code and args.args") {
    const auto answer = engine().run("bash", "cat code.code | head -c 3; cat args.args",
                                     {{"args", {"one", "two words"}}});
    CHECK(answer["run"]["stdout"] == "catone\ntwo words\n");
}

TEST_CASE("what clients see of a runtime is its exact version and its name, not the alias") {
    const auto listed = engine().get("/api/v2/runtimes").json();
    REQUIRE(listed.is_array());
    CHECK(listed.size() >= 7);
    const auto answer = engine().run("py", "print(1)");
    CHECK(answer["language"] == "python");
    const auto python = std::find_if(listed.begin(), listed.end(),
                                     [](const Json& r) { return r["language"] == "python"; });
    REQUIRE(python != listed.end());
    CHECK(answer["version"] == (*python)["version"]);
}

TEST_CASE("the same answers come under all of Piston's base paths") {
    const std::string body = R"({"language":"bash","version":"*","files":[{"content":"echo hi"}]})";
    for (const char* base : {"/api/v2", "/api/v2/piston", "/API/V2/Piston"}) {
        CAPTURE(base);
        CHECK(engine().get(std::string{base} + "/runtimes").status == 200);
        CHECK(engine().post(std::string{base} + "/execute", body).json()["run"]["stdout"] ==
              "hi\n");
    }
}

TEST_CASE("a megabyte goes in and comes out whole") {
    std::string text;
    while (text.size() < 1'000'000) text += "line " + std::to_string(text.size()) + "\n";
    const auto answer = engine().run("bash", "cat", {{"stdin", text}});
    CHECK(answer["run"]["stdout"] == text);
    CHECK(answer["run"]["output"] == text);
}

TEST_CASE("files and arguments reach the program whole, on either side of what fits a message") {
    for (const std::size_t size :
         {std::size_t{60'000}, std::size_t{65'536}, std::size_t{131'000}}) {
        CAPTURE(size);
        const auto answer = engine().run(
            "bash", "",
            {{"files",
              {{{"name", "main.sh"}, {"content", "wc -c <data; echo ${#1}; tail -c 3 data"}},
               {{"name", "data"}, {"content", std::string(size, 'x') + "end"}}}},
             {"args", {std::string(size, 'y')}}});
        CHECK(answer["run"]["stdout"] ==
              std::to_string(size + 3) + "\n" + std::to_string(size) + "\nend");
        CHECK(answer["run"]["code"] == 0);
    }
}
