// Piston's REST interface as a table to read: each row is a request and the answer it must get,
// named after the section of the contract it is about. Where we answer otherwise on purpose, the
// row says how in `differs`, and expects ours.
#include <doctest/doctest.h>

#include <string>
#include <vector>

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
    std::string method, path, fields, body;
    int status;
    std::string expected;  // the whole body
    std::string differs = "";
};

const std::string json_type = "Content-Type: application/json\r\n";
const std::string not_found = R"({"message":"Not Found"})";
const std::string not_json = R"({"message":"requests must be of type application/json"})";
const std::string no_language = R"({"message":"language is required as a string"})";

void check(const std::vector<Row>& rows) {
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CAPTURE(row.differs);
        const auto answer = engine().ask(row.method, row.path, row.fields, row.body);
        CHECK(answer.status == row.status);
        CHECK(answer.body == row.expected);
        if (!answer.body.empty() && row.method != "OPTIONS")
            CHECK(answer.field("Content-Type") == "application/json; charset=utf-8");
    }
}

// The stack of an answer to a body that cannot be read, and that there is a message beside it.
std::string stack_of(const support::HttpAnswer& answer) {
    const auto json = answer.json();
    CHECK(answer.status == 400);
    CHECK(json.value("message", "").size() > 0);
    return json.value("stack", "");
}

std::string request(const std::string& language, const std::string& more) {
    return R"({"language":")" + language + R"(","version":"*",)" + more + "}";
}

}  // namespace

TEST_CASE("what is served where") {
    const std::string hello = R"({"message":"Piston v3.1.1"})";
    check({
        {"1: the greeting", "GET", "/", "", "", 200, hello},
        {"1: a query is ignored", "GET", "/?a=b", "", "", 200, hello},
        {"1: HEAD has no body", "HEAD", "/", "", "", 200, ""},
        {"1: HEAD of the runtimes", "HEAD", "/api/v2/runtimes", "", "", 200, ""},
        {"1: an unknown path", "GET", "/x", "", "", 404, not_found},
        {"1: GET where only POST is served", "GET", "/api/v2/execute", "", "", 404, not_found},
        {"1: POST where only GET is", "POST", "/api/v2/runtimes", json_type, "{}", 404, not_found},
        {"1: PUT", "PUT", "/api/v2/execute", json_type, "{}", 404, not_found},
        {"1: POST to the root", "POST", "/", json_type, "{}", 404, not_found},
        {"1: GET of the WebSocket's path", "GET", "/api/v2/connect", "", "", 404, not_found},
        {"1: a path below a known one", "GET", "/api/v2/runtimes/x", "", "", 404, not_found},
        {"1: two slashes", "GET", "/api/v2/runtimes//", "", "", 404, not_found},
        {"1: a trailing slash", "POST", "/api/v2/execute/", json_type, "{}", 400, no_language},
        {"1: any case", "POST", "/API/V2/Execute", json_type, "{}", 400, no_language},
        {"1: OPTIONS of the runtimes", "OPTIONS", "/api/v2/runtimes", "", "", 200, "GET,HEAD"},
        {"1: OPTIONS of execute", "OPTIONS", "/api/v2/execute/", "", "", 200, "POST"},
        {"1: OPTIONS of the packages", "OPTIONS", "/api/v2/packages", "", "", 200,
         "GET,HEAD,POST,DELETE"},
        {"1: OPTIONS of an unknown path", "OPTIONS", "/x", "", "", 404, not_found},
        {"1: OPTIONS of the root", "OPTIONS", "/", "", "", 200, "GET,HEAD",
         "differs: Piston, which answers it, says that it does not exist"},
    });
    CHECK(engine().ask("OPTIONS", "/api/v2/packages", "").field("Allow") == "GET,HEAD,POST,DELETE");
}

TEST_CASE("under /api/v2 a request says that it is JSON, to the letter but for its case") {
    const auto type = [](const std::string& value) { return "Content-Type: " + value + "\r\n"; };
    check({
        {"1: no type", "POST", "/api/v2/execute", "", "{}", 415, not_json},
        {"1: text", "POST", "/api/v2/execute", type("text/plain"), "{}", 415, not_json},
        {"1: a form", "POST", "/api/v2/execute", type("application/x-www-form-urlencoded"),
         "language=bash", 415, not_json},
        {"1: no type, unknown path", "POST", "/api/v2/x", "", "", 415, not_json},
        {"1: DELETE without a type", "DELETE", "/api/v2/packages", "", "", 415, not_json},
        {"1: with the type, unknown path", "POST", "/api/v2/x", json_type, "{}", 404, not_found},
        {"1: no type elsewhere", "POST", "/x", "", "", 404, not_found},
        {"1: with a charset", "POST", "/api/v2/execute", type("application/json; charset=utf-8"),
         "{}", 400, no_language},
        {"1: in another case", "POST", "/api/v2/execute", type("Application/JSON"), "{}", 400,
         no_language, "differs: Piston answers 415; the contract calls this better"},
        {"1: what begins like it passes, and is not read", "POST", "/api/v2/execute",
         type("application/jsonfoo"), request("bash", R"("files":[])"), 400, no_language},
        {"1: what begins like it is not even checked", "POST", "/api/v2/execute",
         type("application/jsonfoo"), "{", 400, no_language},
        {"1: GET needs no type", "GET", "/api/v2/x", "", "", 404, not_found},
    });
}

TEST_CASE("a body that cannot be read is told so before anything else is looked at") {
    struct BodyRow {
        std::string name, method, path, type, body, stack, differs = "";
    };
    const BodyRow rows[] = {
        {"1: no JSON", "POST", "/api/v2/execute", "application/json", "{", "SyntaxError: "},
        {"1: no JSON, unknown path", "POST", "/x", "application/json", "{", "SyntaxError: "},
        {"1: no JSON, no such method", "PUT", "/api/v2/execute", "application/json", "{",
         "SyntaxError: "},
        {"1: no JSON, with GET", "GET", "/api/v2/runtimes", "application/json", "{",
         "SyntaxError: "},
        {"1: no JSON, in any case of the type", "POST", "/api/v2/x", "Application/JSON", "{",
         "SyntaxError: "},
        {"1: no JSON for packages", "POST", "/api/v2/packages", "application/json", "{",
         "SyntaxError: "},
        {"1: null", "POST", "/api/v2/execute", "application/json", "null", "SyntaxError: "},
        {"1: a number", "POST", "/api/v2/execute", "application/json", "5", "SyntaxError: "},
        {"1: a text", "POST", "/x", "application/json", "\"x\"", "SyntaxError: "},
        {"1: blanks", "POST", "/api/v2/execute", "application/json", "  ", "SyntaxError: "},
        {"1: another charset", "POST", "/api/v2/execute", "application/json; charset=latin1", "{}",
         "UnsupportedMediaTypeError: unsupported charset \"LATIN1\""},
        {"1: another charset, unknown path", "POST", "/x", "application/json; charset=latin1", "{}",
         "UnsupportedMediaTypeError: unsupported charset \"LATIN1\""},
        {"1: another coding", "POST", "/api/v2/execute", "application/json\r\nContent-Encoding: br",
         "{}", "UnsupportedMediaTypeError: unsupported content encoding \"br\""},
        {"1: a number of more than 64 bits", "POST", "/api/v2/execute", "application/json",
         R"({"run_timeout":99999999999999999999})",
         "SyntaxError: ", "differs: Piston takes it for one near it"},
        {"1: nested deeper than 64 levels", "POST", "/api/v2/execute", "application/json",
         R"({"log":)" + std::string(64, '[') + std::string(64, ']') + "}",
         "SyntaxError: ", "differs: Piston reads any depth"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CAPTURE(row.differs);
        const auto answer =
            engine().ask(row.method, row.path, "Content-Type: " + row.type + "\r\n", row.body);
        CHECK(stack_of(answer).starts_with(row.stack));
        // differs: no stack names a path of the server.
        CHECK(answer.body.find("node_modules") == std::string::npos);
    }
}

TEST_CASE("a body over the limit is a 400 that names the limit") {
    EngineProcess small({"server.body_limit=100KiB"});
    const auto body =
        request("bash", R"("files":[{"content":")" + std::string(110'000, 'x') + "\"}]");
    for (const std::string path : {"/api/v2/execute", "/x"}) {
        CAPTURE(path);
        const auto answer = small.ask("POST", path, json_type, body);
        CHECK(stack_of(answer) == "PayloadTooLargeError: request entity too large");
        CHECK(answer.json()["message"].get<std::string>().find("server.body_limit") !=
              std::string::npos);
    }
}

TEST_CASE("an empty body, and a list, are a request without fields") {
    check({
        {"1: nothing", "POST", "/api/v2/execute", json_type, "", 400, no_language},
        {"1: a list", "POST", "/api/v2/execute", json_type, "[]", 400, no_language},
        {"1: an object", "POST", "/api/v2/execute", json_type, "{}", 400, no_language},
    });
}

TEST_CASE("requests with GET get a tag, by which an unchanged answer is 304") {
    const auto first = engine().ask("GET", "/api/v2/runtimes", "");
    const auto tag = first.field("ETag");
    CHECK(tag.starts_with("W/\""));
    const auto again = engine().ask("GET", "/api/v2/runtimes", "If-None-Match: " + tag + "\r\n");
    CHECK(again.status == 304);
    CHECK(again.body.empty());
    const auto other = engine().ask("GET", "/api/v2/runtimes", "If-None-Match: W/\"x\"\r\n");
    CHECK(other.status == 200);
}

TEST_CASE("the fields of a request are checked in Piston's order, and the first failure is told") {
    struct FieldRow {
        std::string name, body, message, differs = "";
    };
    const std::string files = R"("files":[{"content":"true"}])";
    const FieldRow rows[] = {
        {"2.2: 1, absent", "{}", "language is required as a string"},
        {"2.2: 1, null", R"({"language":null})", "language is required as a string"},
        {"2.2: 1, empty", R"({"language":""})", "language is required as a string"},
        {"2.2: 1, a number", R"({"language":5})", "language is required as a string"},
        {"2.2: 2", R"({"language":"x"})", "version is required as a string"},
        {"2.2: 3, absent", R"({"language":"x","version":"x"})", "files is required as an array"},
        {"2.2: 3, an object", R"({"language":"x","version":"x","files":{}})",
         "files is required as an array"},
        {"2.2: 4, absent", R"({"language":"x","version":"x","files":[{"content":""},{}]})",
         "files[1].content is required as a string"},
        {"2.2: 4, a number", R"({"language":"x","version":"x","files":[{"content":5}]})",
         "files[0].content is required as a string"},
        {"2.2: 4, null for a file", R"({"language":"x","version":"x","files":[null]})",
         "files[0] is required as an object", "differs: Piston answers {}"},
        {"2.2: 5, language", R"({"language":"x","version":"y","files":[]})",
         "x-y runtime is unknown"},
        {"2.2: 5, case", request("BASH", files), "BASH-* runtime is unknown"},
        {"2.2: 5, no range", R"({"language":"bash","version":"latest","files":[]})",
         "bash-latest runtime is unknown"},
        {"2.2: 6, no file", request("bash", R"("files":[])"),
         "files must include at least one utf8 encoded file"},
        {"2.2: 6, base64 alone", request("bash", R"("files":[{"content":"","encoding":"base64"}])"),
         "files must include at least one utf8 encoded file"},
        {"2.2: 6, an unknown encoding alone",
         request("bash", R"("files":[{"content":"","encoding":"x"}])"),
         "files must include at least one utf8 encoded file"},
        {"2.2: 6 before 7", request("bash", R"("files":[],"run_timeout":"x")"),
         "files must include at least one utf8 encoded file"},
        {"2.2: 7, order", request("bash", files + R"(,"run_timeout":"x","run_memory_limit":"x")"),
         "If specified, run_memory_limit must be a number"},
        {"2.2: 7, compile before run",
         request("bash", files + R"(,"run_timeout":"x","compile_timeout":"x")"),
         "If specified, compile_timeout must be a number"},
        {"2.2: 7, time before CPU time",
         request("bash", files + R"(,"compile_cpu_time":"x","run_timeout":true)"),
         "If specified, run_timeout must be a number"},
        {"2.2: 7, above", request("bash", files + R"(,"run_timeout":3001)"),
         "run_timeout cannot exceed the configured limit of 3000"},
        {"2.2: 7, below zero", request("bash", files + R"(,"run_timeout":-1)"),
         "run_timeout must be non-negative"},
        {"2.2: 7, CPU time", request("bash", files + R"(,"run_cpu_time":1e9)"),
         "run_cpu_time cannot exceed the configured limit of 3000"},
        {"2.2: stdin is a number", request("bash", files + R"(,"stdin":5)"),
         "stdin must be a string", "differs: Piston answers {}"},
        {"2.2: args is a text", request("bash", files + R"(,"args":"abc")"),
         "args must be an array", "differs: Piston makes arguments of the letters"},
        {"2.4: args is a number", request("bash", files + R"(,"args":5)"), "args must be an array",
         "differs: Piston answers an empty 500"},
        {"2.4: NUL in an argument", request("bash", files + R"(,"args":["\u0000"])"),
         "args[0] contains a NUL byte", "differs: Piston answers an empty 500"},
        {"2.4: a name that escapes",
         request("bash", R"("files":[{"name":"../a","content":"true"}])"),
         "File path \"../a\" tries to escape parent directory: ../a",
         "differs: Piston answers an empty 500"},
        {"2.4: a name that is a number", request("bash", R"("files":[{"name":5,"content":""}])"),
         "files[0].name must be a string", "differs: Piston answers an empty 500"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CAPTURE(row.differs);
        const auto answer = engine().post("/api/v2/execute", row.body);
        CHECK(answer.status == 400);
        CHECK(answer.json() == Json{{"message", row.message}});
    }
}

TEST_CASE("limits that are falsy are not given, and a negative memory limit is the highest") {
    for (const std::string limit :
         {R"("run_timeout":0)", R"("run_timeout":null)", R"("run_timeout":false)",
          R"("run_timeout":"")", R"("run_memory_limit":0)", R"("run_cpu_time":0)",
          R"("log":1,"unknown":{})", R"("run_timeout":3000)",
          // differs: with a limit configured, Piston says that it must be non-negative.
          R"("run_memory_limit":-1)", R"("compile_memory_limit":-1)"}) {
        CAPTURE(limit);
        const auto answer = engine().post(
            "/api/v2/execute", request("bash", R"("files":[{"content":"echo hi"}],)" + limit));
        CHECK(answer.status == 200);
        CHECK(answer.json()["run"]["stdout"] == "hi\n");
    }
}
