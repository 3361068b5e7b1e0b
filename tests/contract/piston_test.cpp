// Piston's wire as a client sees it: each row is a request and the answer it must get.
#include <doctest/doctest.h>

#include <string>

#include "tests/support/engine_process.h"

using support::EngineProcess;
using support::Json;

namespace {

EngineProcess& engine() {
    static EngineProcess shared;
    return shared;
}

struct Row {
    std::string name;
    std::string body;
    int status;
    std::string message;
};

}  // namespace

TEST_CASE(
    "a request that cannot be run is refused with the field and the reason, in Piston's order") {
    const Row rows[] = {
        {"nothing", "{}", 400, "language is required as a string"},
        {"no version", R"({"language":"bash"})", 400, "version is required as a string"},
        {"no files", R"({"language":"bash","version":"*"})", 400, "files is required as an array"},
        {"no content", R"({"language":"bash","version":"*","files":[{}]})", 400,
         "files[0].content is required as a string"},
        {"unknown language", R"({"language":"x","version":"*","files":[{"content":""}]})", 400,
         "x-* runtime is unknown"},
        {"unknown version", R"({"language":"bash","version":"99","files":[{"content":""}]})", 400,
         "bash-99 runtime is unknown"},
        {"no range", R"({"language":"bash","version":"latest","files":[{"content":""}]})", 400,
         "bash-latest runtime is unknown"},
        {"no code", R"({"language":"bash","version":"*","files":[]})", 400,
         "files must include at least one utf8 encoded file"},
        {"timeout is text",
         R"({"language":"bash","version":"*","files":[{"content":""}],"run_timeout":"1"})", 400,
         "If specified, run_timeout must be a number"},
        {"timeout too long",
         R"({"language":"bash","version":"*","files":[{"content":""}],"run_timeout":9999999})", 400,
         "run_timeout cannot exceed the configured limit of 3000"},
        {"negative timeout",
         R"({"language":"bash","version":"*","files":[{"content":""}],"compile_timeout":-1})", 400,
         "compile_timeout must be non-negative"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto answer = engine().post("/api/v2/execute", row.body);
        CHECK(answer.status == row.status);
        CHECK(answer.json()["message"] == row.message);
    }
}

TEST_CASE("a file name that would leave the box is refused and nothing is written") {
    for (const char* name : {"../x", "/etc/x", "a/../../x", "x/", "a//../../b", ".."}) {
        CAPTURE(std::string{name});
        const Json request{{"language", "bash"},
                           {"version", "*"},
                           {"files", {{{"name", name}, {"content", "echo"}}}}};
        const auto answer = engine().post("/api/v2/execute", request.dump());
        CHECK(answer.status == 400);
        CHECK(answer.json()["message"].is_string());
    }
}

TEST_CASE("a body that is not JSON is told so with a message and Piston's stack") {
    const auto answer = engine().post("/api/v2/execute", "{");
    CHECK(answer.status == 400);
    CHECK(answer.json()["message"].get<std::string>().starts_with("SyntaxError: "));
    CHECK(answer.json()["stack"].is_string());
}

TEST_CASE("known paths answer with any case and a trailing slash, everything else is not found") {
    CHECK(engine().get("/").json()["message"] == "Piston v3.1.1");
    for (const char* path : {"/api/v2/runtimes", "/api/v2/runtimes/", "/API/V2/Runtimes",
                             "/api/v2/piston/runtimes", "/api/v2/runtimes?x=1"}) {
        CAPTURE(std::string{path});
        CHECK(engine().get(path).status == 200);
    }
    for (const char* path : {"/x", "/api/v2/execute", "/api/v2", "/api/v2/runtimes/x"}) {
        CAPTURE(std::string{path});
        CHECK(engine().get(path).status == 404);
        CHECK(engine().get(path).body == R"({"message":"Not Found"})");
    }
    CHECK(engine().post("/api/v2/runtimes", "{}").status == 404);
}

TEST_CASE("every stage has all ten keys in Piston's order, and nothing else") {
    const auto answer = engine().run("c", "int main() { return 0; }");
    const std::string keys[] = {"signal", "stdout",  "stderr", "code",     "output",
                                "memory", "message", "status", "cpu_time", "wall_time"};
    for (const char* stage : {"compile", "run"}) {
        CAPTURE(std::string{stage});
        REQUIRE(answer[stage].size() == std::size(keys));
        std::size_t next = 0;
        for (const auto& [key, value] : answer[stage].items()) CHECK(key == keys[next++]);
    }
    std::string order;
    for (const auto& [key, value] : answer.items()) order += key + " ";
    CHECK(order == "compile run language version ");
}

TEST_CASE("a limit of zero means the configured one, never none") {
    const auto run =
        engine().run("bash", "sleep 60",
                     {{"run_timeout", 0}, {"run_cpu_time", 0}, {"run_memory_limit", 0}})["run"];
    CHECK(run["status"] == "TO");
}

TEST_CASE("standard input ends in a newline, and an empty one is a newline") {
    CHECK(engine().run("bash", "od -c | head -1", {{"stdin", "x"}})["run"]["stdout"] ==
          "0000000   x  \\n\n");
    CHECK(engine().run("bash", "wc -c")["run"]["stdout"] == "1\n");
}

TEST_CASE("the engine says whether it lives, whether it can run code, and what it is") {
    CHECK(engine().get("/healthz").status == 200);
    CHECK(engine().get("/readyz").status == 200);
    CHECK(engine().get("/version").json()["name"] == "crankcase");
}
