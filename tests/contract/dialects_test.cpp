// The wires of mini-piston, base64-jobs and code-executor through a running engine: one row a fact.
// What is decided without an engine is in tests/unit/dialects_test.cpp.
#include <doctest/doctest.h>

#include <string>

#include "tests/support/engine_process.h"

using support::EngineProcess;
using support::Json;

namespace {

EngineProcess& engine() {
    static EngineProcess shared({"limits.run.output=4096"});
    return shared;
}

std::string base64(const std::string& text) {
    constexpr const char* digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string coded;
    for (std::size_t i = 0; i < text.size(); i += 3) {
        unsigned bits = 0;
        for (std::size_t j = i; j < i + 3; ++j)
            bits = bits << 8 | (j < text.size() ? static_cast<unsigned char>(text[j]) : 0U);
        for (unsigned j = 0; j < 4; ++j)
            coded += i + j <= text.size() ? digits[bits >> (18 - 6 * j) & 63] : '=';
    }
    return coded;
}

Json base64_job(const std::string& language, const std::string& code, const std::string& in = {}) {
    return {{"language", language}, {"code", base64(code)}, {"stdin", base64(in)}};
}

Json executor_job(const std::string& language, const std::string& code, Json more = {}) {
    Json job{{"language", language}, {"code", code}};
    job.update(more.is_null() ? Json::object() : more);
    return job;
}

std::string keys_of(const Json& object) {
    std::string keys;
    for (const auto& [key, value] : object.items()) keys += key + " ";
    return keys;
}

std::string text_of(const Json& object, const char* key) {
    return object[key].get<std::string>();
}

const std::string hog = "x = bytearray(1 << 30)\nprint(len(x))";

}  // namespace

TEST_CASE("mini-piston runs a program in one call, on its own path and as /execute") {
    for (const std::string path : {"/execute", "/mini-piston/execute", "/Execute/"}) {
        CAPTURE(path);
        const auto answer = engine().post(
            path, Json{{"language", "python"},
                       {"code", "import sys\nprint(input())\nprint(2, file=sys.stderr)"},
                       {"stdin", "a"}}
                      .dump());
        CHECK(answer.status == 200);
        CHECK(keys_of(answer.json()) == "language run ");
        const auto run = answer.json()["run"];
        CHECK(keys_of(run) == "stdout stderr output code signal ");
        CHECK(run["stdout"] == "a\n");
        CHECK(run["stderr"] == "2\n");
        CHECK(run["code"] == 0);
        CHECK(run["signal"].is_null());
    }
    const auto failed = engine().post("/execute", R"({"language":"c","code":"int main() { x; }"})");
    CHECK(failed.status == 200);
    CHECK(failed.json()["run"]["code"] == 1);
    CHECK(text_of(failed.json()["run"], "stderr").find("error") != std::string::npos);
    const auto nothing = engine().post(
        "/execute", executor_job("python", "import sys\nprint(repr(sys.stdin.read()))").dump());
    CHECK(nothing.json()["run"]["stdout"] == "''\n");
    const auto unknown = engine().post("/execute", R"({"language":"x","code":""})");
    CHECK(unknown.status == 400);
    CHECK(unknown.body == R"({"message":"language x is unknown"})");
}

TEST_CASE("base64-jobs answers with status, both streams, seconds and an exit code") {
    struct Row {
        const char* name;
        Json request;
        const char* status;
        int exit_code;
        std::string out, err;  // whole; "~x": has x
    };
    auto slow = base64_job("python", "import time\ntime.sleep(20)");
    slow["timeout"] = 1;
    const Row rows[] = {
        {"unstripped",
         base64_job("python", "import sys\nprint(' a ', file=sys.stderr)\nprint(' b ')"), "success",
         0, " b \n", " a \n"},
        {"input", base64_job("python", "print(input())", "\xc3\xa4\n"), "success", 0, "\xc3\xa4\n",
         ""},
        {"exit 3", base64_job("python", "exit(3)"), "failed", 3, "", ""},
        {"time", slow, "failed", 124, "", "~Execution timed out after 1 seconds"},
        {"memory", base64_job("python", hog), "failed", 137, "",
         "Execution killed: out of memory\n"},
        {"SIGKILL", base64_job("python", "import os\nos.kill(os.getpid(), 9)"), "failed", 137, "",
         "~illed"},
        {"not compiled", base64_job("cpp", "int main() { x; }"), "failed", 1, "", "~error"},
        {"compiled", base64_job("cpp", "#include <cstdio>\nint main() { puts(\"hi\"); }"),
         "success", 0, "hi\n", ""},
        {"no network, root read-only", base64_job("python", R"(
import socket
for act in (lambda: socket.create_connection(('1.1.1.1', 53), 1), lambda: open('/usr/x', 'w')):
    try: act()
    except OSError: print('refused')
)"),
         "success", 0, "refused\nrefused\n", ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto answer = engine().post("/base64-jobs/execute", row.request.dump());
        CAPTURE(answer.body);
        REQUIRE(answer.status == 200);
        const auto result = answer.json();
        CHECK(keys_of(result) == "status stdout stderr execution_time exit_code ");
        CHECK(result["status"] == row.status);
        CHECK(result["exit_code"] == row.exit_code);
        CHECK(result["stdout"] == row.out);
        CHECK(result["execution_time"].is_number_float());
        if (row.err.starts_with('~')) {
            CHECK(text_of(result, "stderr").find(row.err.substr(1)) != std::string::npos);
        } else {
            CHECK(result["stderr"] == row.err);
        }
    }
}

TEST_CASE("base64-jobs runs the class Solution") {
    const auto runtimes = engine().get("/api/v2/runtimes").body;
    if (runtimes.find(R"("language":"java")") == std::string::npos) return;
    const auto answer =
        engine().post("/base64-jobs/execute",
                      base64_job("java",
                                 "public class Solution { public static void main(String[] a) { "
                                 "System.out.println(42); } }")
                          .dump());
    CAPTURE(answer.body);
    CHECK(answer.json()["stdout"] == "42\n");
}

TEST_CASE("base64-jobs tells what is wrong in its detail") {
    struct Row {
        const char* body;
        int status;
        const char* detail;
    };
    const Row rows[] = {
        {R"({"language":"ruby","code":""})", 400,
         "Unsupported language: ruby. Supported: ['python"},
        {R"({"language":"python","code":"a"})", 400, "Invalid base64 encoded code or stdin: "},
        {"{}", 422, R"({"type":"missing","loc":["body","language"],"msg":"Field required"})"},
        {"no JSON", 422, "JSON decode error"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.body);
        const auto answer = engine().post("/base64-jobs/execute", row.body);
        CHECK(answer.status == row.status);
        CHECK(answer.body.starts_with(R"({"detail":)"));
        CHECK(answer.body.find(row.detail) != std::string::npos);
    }
}

TEST_CASE("code-executor answers with what the program did and what ended it") {
    struct Row {
        const char* name;
        Json request;
        int exit_code;
        bool timeout, memory_exceeded;
        const char* out;
    };
    const Row rows[] = {
        {"well", executor_job("python", "print(input())", {{"input", "a"}}), 0, false, false,
         "a\n"},
        {"another name", executor_job("c++", "#include <cstdio>\nint main() { puts(\"b\"); }"), 0,
         false, false, "b\n"},
        {"exit 3", executor_job("python", "exit(3)"), 3, false, false, ""},
        {"time", executor_job("python", "import time\ntime.sleep(20)", {{"timeout_seconds", 1}}),
         124, true, false, ""},
        {"memory", executor_job("python", hog), 137, false, true, ""},
        {"more memory than the most",
         executor_job("python", "x = bytearray(300 << 20)\nprint(1)", {{"memory_limit_mb", 9999}}),
         0, false, false, "1\n"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto answer = engine().post("/api/v1/execute", row.request.dump());
        CAPTURE(answer.body);
        REQUIRE(answer.status == 200);
        const auto result = answer.json();
        CHECK(keys_of(result) ==
              "stdout stderr exit_code timeout memory_exceeded execution_time_ms "
              "memory_used_mb ");
        CHECK(result["exit_code"] == row.exit_code);
        CHECK(result["timeout"] == row.timeout);
        CHECK(result["memory_exceeded"] == row.memory_exceeded);
        CHECK(result["stdout"] == row.out);
        CHECK(result["execution_time_ms"].is_number_integer());
        CHECK(result["memory_used_mb"] > 0);
    }
}

TEST_CASE("/api/v1/execute is told apart by its field") {
    struct Row {
        const char* body;
        int status;
        const char *key, *sentence;
    };
    const Row rows[] = {
        {R"~({"language":"python","source":"print(1)"})~", 200, "ran", ""},
        {R"~({"language":"python","code":"print(1)"})~", 200, "exit_code", ""},
        {R"~({"language":"python","code":null,"source":"print(1)"})~", 200, "ran", ""},
        {R"({"language":"python"})", 400, "error", "code is required, or source"},
        {R"({"language":"python","code":"x","source":"x"})", 400, "message", "send one of them"},
        {R"({"code":"x"})", 400, "error", "language is required"},
        {"{", 400, "error", "SyntaxError"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.body);
        const auto answer = engine().post("/api/v1/execute", row.body);
        CAPTURE(answer.body);
        CHECK(answer.status == row.status);
        REQUIRE(answer.json().contains(row.key));
        CHECK(answer.body.find(row.sentence) != std::string::npos);
    }
}

TEST_CASE("health is one answer for both who ask") {
    for (const std::string path : {"/health", "/api/v1/health"}) {
        CAPTURE(path);
        const auto answer = engine().get(path);
        CHECK(answer.status == 200);
        CHECK(keys_of(answer.json()) == "status version ");
        CHECK(answer.json()["status"] == "healthy");
    }
}

TEST_CASE("pages of any origin may read base64-jobs; on the loopback they still run nothing") {
    const std::string page = "Origin: https://ide.example\r\nContent-Type: application/json\r\n";
    const auto job = base64_job("python", "print(1)").dump();
    const auto refused = engine().ask("POST", "/base64-jobs/execute", page, job);
    CHECK(refused.status == 403);
    CHECK(refused.field("Access-Control-Allow-Origin") == "*");
    const auto asked = engine().ask("OPTIONS", "/base64-jobs/execute",
                                    page + "Access-Control-Request-Method: POST\r\n");
    CHECK(asked.status == 200);
    CHECK(asked.field("Access-Control-Allow-Headers") == "*");
    CHECK(engine().ask("GET", "/health", page).field("Access-Control-Allow-Origin") == "*");
    CHECK(engine()
              .ask("POST", "/mini-piston/execute", page, "{}")
              .field("Access-Control-Allow-Origin") == "");
}

TEST_CASE("settings say which dialects there are and whose /execute is") {
    const EngineProcess other({"dialects.execute=base64-jobs", "dialects.enabled=base64-jobs",
                               "dialects.base64_jobs.timeout=1s",
                               "dialects.base64_jobs.cors_origins=*"});
    const std::string page = "Origin: https://ide.example\r\n";
    const auto job = base64_job("python", "print(1)").dump();
    const auto answer = other.ask("POST", "/execute", page, job);
    CHECK(answer.status == 200);
    CHECK(answer.field("Access-Control-Allow-Origin") == "*");
    CHECK(answer.json()["stdout"] == "1\n");
    CHECK(other.post("/mini-piston/execute", job).status == 404);
    CHECK(other.post("/mini-piston/execute", job).body == R"({"message":"Not Found"})");
    CHECK(other.get("/api/v1/health").status == 404);
    CHECK(other.post("/api/v1/execute", R"({"language":"python","code":"1"})").body ==
          R"({"message":"No source supplied"})");
    CHECK(other.post("/api/v1/execute", R"({"language":"python","source":"1"})").status == 200);
    const auto late = other.post("/execute", base64_job("python", "while 1: pass").dump()).json();
    CHECK(late["exit_code"] == 124);
    CHECK(text_of(late, "stderr") == "Execution timed out after 1 seconds\n");
    const auto document = other.get("/openapi.json").json();
    CHECK(document["paths"].contains("/base64-jobs/execute"));
    CHECK_FALSE(document["paths"].contains("/mini-piston/execute"));
}
