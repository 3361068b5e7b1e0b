// What running answers (contract sections 2.3, 2.5, 2.6, 2.8 and 5.4): each row is a program and
// what its stage must say. Programs are shell, so that nothing but bash is needed.
#include <doctest/doctest.h>

#include <string>

#include "tests/support/engine_process.h"

using support::EngineProcess;
using support::Json;

namespace {

EngineProcess& engine() {
    static EngineProcess shared({"limits.run.output=1000"});
    return shared;
}

Json run(const std::string& code, const Json& more = Json::object()) {
    return engine().run("bash", code, more)["run"];
}

}  // namespace

TEST_CASE("how a program ends is told in Piston's words") {
    struct Row {
        std::string name, code;
        Json more, status, message, exit_code, signal;
    };
    const Json none;  // null
    const auto no_more = Json::object();
    const Row rows[] = {
        {"2.5: exit 0", "true", no_more, none, none, 0, none},
        {"2.5: exit 3", "exit 3", no_more, "RE", "Exited with error status 3", 3, none},
        {"2.5: a signal of a child is bash's code", "bash -c 'kill -SEGV $$'", no_more, "RE",
         "Exited with error status 139", 139, none},
        {"2.5: a signal of the main process", "kill -SEGV $$", no_more, "SG",
         "Caught fatal signal 11", none, "SIGSEGV"},
        {"2.5: a real-time signal", "kill -35 $$", no_more, "SG", "Caught fatal signal 35", none,
         "SIGRTMIN+1"},
        {"2.5: the wall clock",
         "sleep 60",
         {{"run_timeout", 200}},
         "TO",
         "Time limit exceeded (wall clock)",
         none,
         "SIGKILL"},
        {"2.5: CPU time",
         "while :; do :; done",
         {{"run_cpu_time", 200}},
         "TO",
         "Time limit exceeded",
         none,
         "SIGKILL"},
        {"2.5: standard output", "yes", no_more, "OL", "stdout length exceeded", none, "SIGKILL"},
        {"2.5: standard error", "yes >&2", no_more, "EL", "stderr length exceeded", none,
         "SIGKILL"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto stage = run(row.code, row.more);
        CHECK(stage["status"] == row.status);
        CHECK(stage["message"] == row.message);
        CHECK(stage["code"] == row.exit_code);
        CHECK(stage["signal"] == row.signal);
        CHECK(stage["cpu_time"].is_number());
        CHECK(stage["wall_time"].is_number());
        CHECK(stage["memory"].is_number());
    }
}

TEST_CASE("2.6 differs: output is kept to the byte at the limit, and no character is cut in half") {
    struct Row {
        std::string name, code;
        std::size_t expected;
    };
    const Row rows[] = {
        {"exactly the limit", "printf %01000d 0", 1000},
        {"one write beyond it", "printf %02000d 0", 1000},
        {"many small writes", "for i in {1..2000}; do printf x; done", 1000},
        {"two bytes a character", "for i in {1..600}; do printf '\\303\\251'; done", 1000},
        {"three bytes a character", "for i in {1..600}; do printf '\\342\\202\\254'; done", 999},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto stage = run(row.code);
        CHECK(stage["stdout"].get<std::string>().size() == row.expected);
        CHECK(stage["output"] == stage["stdout"]);
        CHECK(stage["status"] == (row.name == "exactly the limit" ? Json() : Json("OL")));
        CHECK(stage["stdout"].get<std::string>().find("\xef\xbf\xbd") == std::string::npos);
    }
}

TEST_CASE("2.5 differs: a character that comes in two writes is one character") {
    CHECK(run("printf '\\303'; sleep 0.1; printf '\\251'")["stdout"] == "é");
    CHECK(run("printf 'a\\377b'")["stdout"] ==
          "a\xef\xbf\xbd"
          "b");
}

TEST_CASE("2.5: output is both streams as they came") {
    const auto stage = run("echo 1; echo 2 >&2; echo 3");
    CHECK(stage["stdout"] == "1\n3\n");
    CHECK(stage["stderr"] == "2\n");
    CHECK(stage["output"].get<std::string>().size() == 6);
}

TEST_CASE("5.4: standard input ends in one newline") {
    struct Row {
        std::string name;
        Json more;
        std::string expected;
    };
    const Row rows[] = {
        {"absent", Json::object(), "1\n"},        {"null", {{"stdin", nullptr}}, "1\n"},
        {"empty", {{"stdin", ""}}, "1\n"},        {"without a newline", {{"stdin", "ab"}}, "3\n"},
        {"with one", {{"stdin", "ab\n"}}, "3\n"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(run("wc -c", row.more)["stdout"] == row.expected);
    }
}

TEST_CASE("2.3: files are decoded, named and chosen as Piston does") {
    struct Row {
        std::string name;
        Json files;
        std::string expected;
    };
    const Row rows[] = {
        {"the default name", {{{"content", "basename $0"}}}, "file0.code\n"},
        {"an empty name", {{{"name", ""}, {"content", "basename $0"}}}, "file0.code\n"},
        {"the number is the place in the request",
         {{{"content", "eA=="}, {"encoding", "base64"}},
          {{"content", "basename $0; cat file0.code"}}},
         "file1.code\nx"},
        {"base64 for URLs",
         {{{"content", "cat a"}}, {{"name", "a"}, {"content", "Pz8_"}, {"encoding", "base64"}}},
         "???"},
        {"hex up to the first that is none",
         {{{"content", "cat a"}}, {{"name", "a"}, {"content", "4142zz43"}, {"encoding", "hex"}}},
         "AB"},
        {"an unknown encoding is utf8",
         {{{"content", "cat a"}}, {{"name", "a"}, {"content", "é"}, {"encoding", "latin1"}}},
         "é"},
        {"a directory", {{{"content", "cat a/b/c"}}, {{"name", "a/b/c"}, {"content", "x"}}}, "x"},
        {"the last of one name",
         {{{"content", "cat a"}},
          {{"name", "a"}, {"content", "1"}},
          {{"name", "a"}, {"content", "2"}}},
         "2"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const Json request{{"language", "bash"}, {"version", "*"}, {"files", row.files}};
        const auto answer = engine().post("/api/v2/execute", request.dump());
        REQUIRE(answer.status == 200);
        CHECK(answer.json()["run"]["stdout"] == row.expected);
    }
}

TEST_CASE("2.2: arguments are passed as JavaScript writes them") {
    const Json args = Json::array({"a b", 5, true, nullptr, Json::object(), "x\ny", ""});
    CHECK(run("for i in \"$@\"; do echo \"<$i>\"; done", {{"args", args}})["stdout"] ==
          "<a b>\n<5>\n<true>\n<null>\n<[object Object]>\n<x\ny>\n<>\n");
}

TEST_CASE("2.5: where compiling fails, run is the compile stage again, and it is a 200") {
    const auto answer = engine().run("c", "int main() {");
    CHECK(answer["compile"]["code"] == 1);
    CHECK(answer["run"] == answer["compile"]);
}

TEST_CASE("2.8: a runtime is listed with language, version and aliases, and perhaps its package") {
    const auto list = engine().get("/api/v2/runtimes").json();
    REQUIRE(list.size() > 0);
    for (const auto& runtime : list) {
        std::string keys;
        for (const auto& [key, value] : runtime.items()) keys += key + " ";
        const bool is_known =
            keys == "language version aliases " || keys == "language version aliases runtime ";
        CHECK(is_known);
        CHECK(runtime["aliases"].is_array());
    }
}
