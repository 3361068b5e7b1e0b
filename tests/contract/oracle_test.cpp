// What Piston itself answered, recorded: each row is a request, told by what it changes of a plain
// one, and the answer of Piston 3.1.1. The engine answers the same, except for the last table,
// where it does otherwise on purpose and says why. Piston ran its jobs without isolation then, so
// nothing is recorded here of times, memory or what a box looks like.
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

support::HttpAnswer execute(const std::string& changes) {
    Json request{{"language", "bash"}, {"version", "*"}, {"files", {{{"content", "echo hi"}}}}};
    request.update(Json::parse(changes));
    return engine().post("/api/v2/execute", request.dump());
}

// What is left of a run when all is left out that says nothing: null, empty texts, a code of 0; and
// what no two runs share.
std::string told_by(const Json& run) {
    Json told = Json::object();
    for (const char* key : {"signal", "stdout", "stderr", "code", "message", "status"}) {
        const auto& value = run[key];
        const bool says_nothing =
            key == std::string{"code"} ? value == 0 : value.is_null() || value == "";
        if (!says_nothing) told[key] = value;
    }
    return told.dump();
}

// An answer in the form of the rows below.
std::string told_by(const support::HttpAnswer& answer) {
    const auto json = answer.json();
    return answer.status == 200 ? told_by(json["run"]) : json.dump();
}

struct Told {
    int status;
    std::string text;
};

}  // namespace

TEST_CASE("what Piston refuses is refused with the same sentence") {
    struct Row {
        std::string changes, message;
    };
    const Row rows[] = {
        {R"({"language":null})", "language is required as a string"},
        {R"({"language":5})", "language is required as a string"},
        {R"({"language":""})", "language is required as a string"},
        {R"({"language":true})", "language is required as a string"},
        {R"({"language":[]})", "language is required as a string"},
        {R"({"language":{}})", "language is required as a string"},
        {R"({"language":"nope"})", "nope-* runtime is unknown"},
        {R"({"language":"BASH"})", "BASH-* runtime is unknown"},
        {R"({"language":"bash "})", "bash -* runtime is unknown"},
        {R"({"language":"constructor"})", "constructor-* runtime is unknown"},
        {R"({"language":"a\"b"})", R"(a"b-* runtime is unknown)"},
        {R"({"language":"ü"})", R"(ü-* runtime is unknown)"},
        {R"({"language":"<x>"})", "<x>-* runtime is unknown"},
        {R"({"version":null})", "version is required as a string"},
        {R"({"version":5})", "version is required as a string"},
        {R"({"version":""})", "version is required as a string"},
        {R"({"version":[]})", "version is required as a string"},
        {R"({"version":"latest"})", "bash-latest runtime is unknown"},
        {R"({"version":"<5"})", "bash-<5 runtime is unknown"},
        {R"({"version":"99"})", "bash-99 runtime is unknown"},
        {R"({"version":"1.2.3.4"})", "bash-1.2.3.4 runtime is unknown"},
        {R"({"version":"not a range"})", "bash-not a range runtime is unknown"},
        {R"({"version":"5,6"})", "bash-5,6 runtime is unknown"},
        {R"({"version":"^"})", "bash-^ runtime is unknown"},
        {R"({"version":">="})", "bash->= runtime is unknown"},
        {R"({"version":"!5"})", "bash-!5 runtime is unknown"},
        {R"({"version":"latest || *"})", "bash-latest || * runtime is unknown"},
        {R"({"version":"05"})", "bash-05 runtime is unknown"},
        {R"({"files":null})", "files is required as an array"},
        {R"({"files":5})", "files is required as an array"},
        {R"({"files":""})", "files is required as an array"},
        {R"({"files":"x"})", "files is required as an array"},
        {R"({"files":{}})", "files is required as an array"},
        {R"({"files":[]})", "files must include at least one utf8 encoded file"},
        {R"({"files":[5]})", "files[0].content is required as a string"},
        {R"({"files":["x"]})", "files[0].content is required as a string"},
        {R"({"files":[{}]})", "files[0].content is required as a string"},
        {R"({"files":[{"content":5}]})", "files[0].content is required as a string"},
        {R"({"files":[{"content":null}]})", "files[0].content is required as a string"},
        {R"({"files":[{"content":"a"},{}]})", "files[1].content is required as a string"},
        {R"({"files":[true]})", "files[0].content is required as a string"},
        {R"({"files":[[]]})", "files[0].content is required as a string"},
        {R"({"files":[{"content":"ZWNobyBi","encoding":"UTF8"}]})",
         "files must include at least one utf8 encoded file"},
        {R"({"files":[{"content":"ZWNobyBi","encoding":"base64"}]})",
         "files must include at least one utf8 encoded file"},
        {R"({"files":[{"content":"ZWNobyBi","encoding":"hex"}]})",
         "files must include at least one utf8 encoded file"},
        {R"({"files":[{"content":"ZWNobyBi","encoding":5}]})",
         "files must include at least one utf8 encoded file"},
        {R"({"files":[{"content":"ZWNobyBi","encoding":[]}]})",
         "files must include at least one utf8 encoded file"},
        {R"({"compile_memory_limit":"1"})", "If specified, compile_memory_limit must be a number"},
        {R"({"run_memory_limit":"1"})", "If specified, run_memory_limit must be a number"},
        {R"({"compile_timeout":"1"})", "If specified, compile_timeout must be a number"},
        {R"({"compile_timeout":-1})", "compile_timeout must be non-negative"},
        {R"({"compile_timeout":10001})",
         "compile_timeout cannot exceed the configured limit of 10000"},
        {R"({"run_timeout":"1"})", "If specified, run_timeout must be a number"},
        {R"({"run_timeout":-1})", "run_timeout must be non-negative"},
        {R"({"run_timeout":true})", "If specified, run_timeout must be a number"},
        {R"({"run_timeout":[]})", "If specified, run_timeout must be a number"},
        {R"({"run_timeout":{}})", "If specified, run_timeout must be a number"},
        {R"({"run_timeout":3001})", "run_timeout cannot exceed the configured limit of 3000"},
        {R"({"run_timeout":10001})", "run_timeout cannot exceed the configured limit of 3000"},
        {R"({"run_timeout":-0.5})", "run_timeout must be non-negative"},
        {R"({"compile_cpu_time":"1"})", "If specified, compile_cpu_time must be a number"},
        {R"({"compile_cpu_time":-1})", "compile_cpu_time must be non-negative"},
        {R"({"compile_cpu_time":10001})",
         "compile_cpu_time cannot exceed the configured limit of 10000"},
        {R"({"run_cpu_time":"1"})", "If specified, run_cpu_time must be a number"},
        {R"({"run_cpu_time":-1})", "run_cpu_time must be non-negative"},
        {R"({"run_cpu_time":3001})", "run_cpu_time cannot exceed the configured limit of 3000"},
        {R"({"run_cpu_time":10001})", "run_cpu_time cannot exceed the configured limit of 3000"},
        {R"({"run_timeout":"x","compile_memory_limit":"x"})",
         "If specified, compile_memory_limit must be a number"},
        {R"({"run_cpu_time":"x","compile_timeout":"x","run_timeout":9999})",
         "If specified, compile_timeout must be a number"},
        {R"({"run_timeout":"x","args":5})", "If specified, run_timeout must be a number"},
        {R"({"language":"x","files":[]})", "x-* runtime is unknown"},
        {R"({"language":"x","files":[{}]})", "files[0].content is required as a string"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.changes);
        const auto answer = execute(row.changes);
        CHECK(answer.status == 400);
        CHECK(answer.body == Json{{"message", row.message}}.dump());
    }
}

TEST_CASE("what Piston runs is run with the same result") {
    struct Row {
        std::string changes, told;
    };
    const Row rows[] = {
        {R"({"language":"sh"})", R"({"stdout":"hi\n"})"},
        {R"({"version":"5.x"})", R"({"stdout":"hi\n"})"},
        {R"({"version":">=5"})", R"({"stdout":"hi\n"})"},
        {R"({"version":">=5 <6"})", R"({"stdout":"hi\n"})"},
        {R"({"version":"5 || 6"})", R"({"stdout":"hi\n"})"},
        {R"({"version":"x"})", R"({"stdout":"hi\n"})"},
        {R"({"version":"X"})", R"({"stdout":"hi\n"})"},
        {R"({"version":" 5 "})", R"({"stdout":"hi\n"})"},
        {R"({"version":"||"})", R"({"stdout":"hi\n"})"},
        {R"({"version":"* || 9"})", R"({"stdout":"hi\n"})"},
        {R"({"files":[{"content":""}]})", "{}"},
        {R"({"files":[{"content":"ZWNobyBi","encoding":null}]})",
         R"({"stderr":"file0.code: line 1: ZWNobyBi: command not found\n","code":127,"message":"Exited with error status 127","status":"RE"})"},
        {R"({"files":[{"content":"ZWNobyBi","encoding":"utf8"}]})",
         R"({"stderr":"file0.code: line 1: ZWNobyBi: command not found\n","code":127,"message":"Exited with error status 127","status":"RE"})"},
        {R"({"files":[{"content":"cat d"},{"name":"d","content":"w7w=","encoding":"base64"}]})",
         R"({"stdout":"ü"})"},
        {R"({"files":[{"content":"od -An -tx1 d"},{"name":"d","content":"_-__ !w7w","encoding":"base64"}]})",
         R"({"stdout":" ff ef ff c3 bc\n"})"},
        {R"({"files":[{"content":"od -An -tx1 d"},{"name":"d","content":"w7w=w7w=","encoding":"base64"}]})",
         R"({"stdout":" c3 bc\n"})"},
        {R"({"files":[{"content":"od -An -tx1 d"},{"name":"d","content":"41zz42","encoding":"hex"}]})",
         R"({"stdout":" 41\n"})"},
        {R"({"files":[{"content":"od -An -tx1 d"},{"name":"d","content":"41424","encoding":"hex"}]})",
         R"({"stdout":" 41 42\n"})"},
        {R"({"files":[{"content":"od -An -tx1 d"},{"name":"d","content":"aBFf","encoding":"hex"}]})",
         R"({"stdout":" ab ff\n"})"},
        {R"({"files":[{"content":"echo ran","name":null}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":""}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":"m.sh"}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":"a/b/m.sh"}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":"./m"}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":"a//b"}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":"ü"}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":"with space"}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":"a\nb"}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":"-n"}]})", "{}"},
        {R"({"files":[{"content":"echo ran","name":"a\\b"}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo ran","name":"code.code"}]})", R"({"stdout":"ran\n"})"},
        {R"({"files":[{"content":"echo one","name":"m"},{"content":"echo two","name":"m"}]})",
         R"({"stdout":"two\n"})"},
        {R"({"files":[{"content":"basename $0"}]})", R"({"stdout":"file0.code\n"})"},
        {R"({"files":[{"content":"od -An -c"}]})", R"({"stdout":"  \\n\n"})"},
        {R"({"files":[{"content":"od -An -c"}],"stdin":""})", R"({"stdout":"  \\n\n"})"},
        {R"({"files":[{"content":"od -An -c"}],"stdin":"x"})", R"({"stdout":"   x  \\n\n"})"},
        {R"({"files":[{"content":"od -An -c"}],"stdin":"x\n"})", R"({"stdout":"   x  \\n\n"})"},
        {R"({"files":[{"content":"od -An -c"}],"stdin":"\n"})", R"({"stdout":"  \\n\n"})"},
        {R"({"files":[{"content":"od -An -c"}],"stdin":"ü\n\n"})",
         R"({"stdout":" 303 274  \\n  \\n\n"})"},
        {R"({"files":[{"content":"printf \"<%s>\" \"$@\""}]})", R"({"stdout":"<>"})"},
        {R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":[]})", R"({"stdout":"<>"})"},
        {R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":["a","b c"]})",
         R"({"stdout":"<a><b c>"})"},
        {R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":""})", R"({"stdout":"<>"})"},
        {R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":[5,true,null,1.5,{},[1,2],""]})",
         R"({"stdout":"<5><true><null><1.5><[object Object]><1,2><>"})"},
        {R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":["a\nb"]})",
         R"({"stdout":"<a\nb>"})"},
        {R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":["*","$HOME","\"","'"]})",
         R"({"stdout":"<*><$HOME><\"><'>"})"},
        {R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":["-x"]})",
         R"({"stdout":"<-x>"})"},
        {R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":["ü"]})", R"({"stdout":"<ü>"})"},
        {R"({"compile_memory_limit":-1})", R"({"stdout":"hi\n"})"},
        {R"({"run_memory_limit":-1})", R"({"stdout":"hi\n"})"},
        {R"({"run_memory_limit":0})", R"({"stdout":"hi\n"})"},
        {R"({"run_memory_limit":false})", R"({"stdout":"hi\n"})"},
        {R"({"compile_timeout":3001})", R"({"stdout":"hi\n"})"},
        {R"({"run_timeout":0})", R"({"stdout":"hi\n"})"},
        {R"({"run_timeout":""})", R"({"stdout":"hi\n"})"},
        {R"({"run_timeout":false})", R"({"stdout":"hi\n"})"},
        {R"({"compile_cpu_time":3001})", R"({"stdout":"hi\n"})"},
        {R"({"log":0,"foo":{"a":1},"source":"x"})", R"({"stdout":"hi\n"})"},
        {R"({"files":[{"content":"exit 0"}]})", "{}"},
        {R"({"files":[{"content":"exit 3"}]})",
         R"({"code":3,"message":"Exited with error status 3","status":"RE"})"},
        {R"({"files":[{"content":"exit 255"}]})",
         R"({"code":255,"message":"Exited with error status 255","status":"RE"})"},
        {R"({"files":[{"content":"exit 256"}]})", "{}"},
        {R"({"files":[{"content":"echo e >&2"}]})", R"({"stderr":"e\n"})"},
        {R"({"files":[{"content":"echo o; echo e >&2; sleep 0.1; echo o2"}]})",
         R"({"stdout":"o\no2\n","stderr":"e\n"})"},
        {R"({"files":[{"content":"kill -TERM $$"}]})",
         R"({"signal":"SIGTERM","code":null,"message":"Caught fatal signal 15","status":"SG"})"},
        {R"({"files":[{"content":"kill -KILL $$"}]})",
         R"({"signal":"SIGKILL","code":null,"message":"Caught fatal signal 9","status":"SG"})"},
        {R"({"files":[{"content":"kill -SEGV $$"}]})",
         R"({"signal":"SIGSEGV","code":null,"message":"Caught fatal signal 11","status":"SG"})"},
        {R"({"files":[{"content":"kill -ABRT $$"}]})",
         R"({"signal":"SIGABRT","code":null,"message":"Caught fatal signal 6","status":"SG"})"},
        {R"({"files":[{"content":"kill -34 $$"}]})",
         R"({"signal":"SIGRTMIN","code":null,"message":"Caught fatal signal 34","status":"SG"})"},
        {R"({"files":[{"content":"kill -63 $$"}]})",
         R"({"signal":"SIGRTMAX-1","code":null,"message":"Caught fatal signal 63","status":"SG"})"},
        {R"({"files":[{"content":"kill -USR1 $$"}]})",
         R"({"signal":"SIGUSR1","code":null,"message":"Caught fatal signal 10","status":"SG"})"},
        {R"({"files":[{"content":"kill -16 $$"}]})",
         R"({"signal":"SIGSTKFLT","code":null,"message":"Caught fatal signal 16","status":"SG"})"},
        {R"({"files":[{"content":"kill -30 $$"}]})",
         R"({"signal":"SIGPWR","code":null,"message":"Caught fatal signal 30","status":"SG"})"},
        {R"({"files":[{"content":"printf \"a\\xffb\""}]})", R"({"stdout":"a�b"})"},
        {R"({"files":[{"content":"printf \"a\\xc3\""}]})", R"({"stdout":"a�"})"},
        {R"({"files":[{"content":"printf \"a\\0b\""}]})", R"({"stdout":"a\u0000b"})"},
        {R"({"files":[{"content":"printf \"ü€😀\""}]})", R"({"stdout":"ü€😀"})"},
        {R"({"files":[{"content":"printf \"\\xed\\xa0\\x80\""}]})", R"({"stdout":"���"})"},
        {R"({"files":[{"content":"printf \"\\xc0\\xaf\""}]})", R"({"stdout":"��"})"},
        {R"({"files":[{"content":"printf \"\\xf5\\x80\\x80\\x80\""}]})", R"({"stdout":"����"})"},
        {R"({"files":[{"content":"printf \"\\xf0\\x9f\\x98x\""}]})", R"({"stdout":"�x"})"},
        {R"({"files":[{"content":"printf \"\\xef\\xbb\\xbfx\""}]})",
         "{\"stdout\":\"\xef\xbb\xbfx\"}"},
        {R"({"files":[{"content":"printf \"\\x01\\x1b\\x7f\\u2028\""}]})",
         "{\"stdout\":\"\\u0001\\u001b\x7f\\\\u2028\"}"},
        {R"({"files":[{"content":"printf \"%s\" \"\\\"\\\\/\""}]})", R"({"stdout":"\"\\/"})"},
        {R"({"files":[{"content":"printf \"a\\r\\nb\""}]})", R"({"stdout":"a\r\nb"})"},
        {R"({"files":[{"content":"sleep 9"}],"run_timeout":300})",
         R"x({"signal":"SIGKILL","code":null,"message":"Time limit exceeded (wall clock)","status":"TO"})x"},
        {R"({"files":[{"content":"head -c 1024 /dev/zero | tr \"\\0\" x"}]})",
         R"({"stdout":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"})"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.changes);
        const auto answer = execute(row.changes);
        REQUIRE(answer.status == 200);
        CHECK(told_by(answer) == row.told);
        const auto run = answer.json()["run"];
        CHECK(run["output"].get<std::string>().size() ==
              run["stdout"].get<std::string>().size() + run["stderr"].get<std::string>().size());
    }
}

TEST_CASE("a body that Piston cannot read is not read here either") {
    for (const std::string body :
         {"{",       "null",       "5",          "\"x\"",         "true",
          " ",       "{\"a\":1,}", "{'a':1}",    "{\"a\":NaN}",   R"({"language":"bash")",
          "{} x",    "[",          "nul",        R"({"a":"\x"})", "{\"a\":\"\t\"}",
          "//c\n{}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":-}",     "a=b"}) {
        CAPTURE(body);
        const auto answer = engine().post("/api/v2/execute", body);
        CHECK(answer.status == 400);
        CHECK(answer.json()["stack"].get<std::string>().starts_with("SyntaxError: "));
    }
    // These are read, and then lack what is required.
    for (const std::string body : {"", "[]", "[1]", "{}", "\n{}", "\xEF\xBB\xBF{}"}) {
        CAPTURE(body);
        const auto answer = engine().post("/api/v2/execute", body);
        CHECK(answer.status == 400);
        CHECK(answer.body == R"({"message":"language is required as a string"})");
    }
}

TEST_CASE("paths and methods lead where they lead with Piston") {
    struct Row {
        std::string method, path;
        int status;
    };
    const Row rows[] = {
        {"GET", "/", 200},
        {"GET", "/api/v2/runtimes", 200},
        {"GET", "/api/v2/execute", 404},
        {"GET", "/api/v2/nope", 404},
        {"GET", "/nope", 404},
        {"GET", "/api/v2", 404},
        {"POST", "/", 404},
        {"POST", "/api/v2/runtimes", 404},
        {"POST", "/api/v2/execute", 400},
        {"POST", "/api/v2/nope", 404},
        {"POST", "/nope", 404},
        {"POST", "/api/v2", 404},
        {"PUT", "/", 404},
        {"PUT", "/api/v2/runtimes", 404},
        {"PUT", "/api/v2/execute", 404},
        {"PUT", "/api/v2/nope", 404},
        {"PUT", "/nope", 404},
        {"PUT", "/api/v2", 404},
        {"DELETE", "/", 404},
        {"DELETE", "/api/v2/runtimes", 404},
        {"DELETE", "/api/v2/execute", 404},
        {"DELETE", "/api/v2/nope", 404},
        {"DELETE", "/nope", 404},
        {"DELETE", "/api/v2", 404},
        {"PATCH", "/", 404},
        {"PATCH", "/api/v2/runtimes", 404},
        {"PATCH", "/api/v2/execute", 404},
        {"PATCH", "/api/v2/nope", 404},
        {"PATCH", "/nope", 404},
        {"PATCH", "/api/v2", 404},
        {"GET", "/api/v2/runtimes/", 200},
        {"GET", "/API/V2/Runtimes", 200},
        {"GET", "/api/v2/runtimes?x=1", 200},
        {"GET", "/api/v2/runtimes//", 404},
        {"GET", "//api/v2/runtimes", 404},
        {"GET", "//", 404},
        {"GET", "/api/v2/runtimes/x", 404},
        {"GET", "/api/v2/%72untimes", 404},
        {"GET", "/api/v2/runtimes%2F", 404},
        {"GET", "/api/v2/runtimes/?", 200},
        {"GET", "/?a", 200},
        {"GET", "/api", 404},
        {"GET", "/api/v1", 404},
        {"GET", "/api/v2/", 404},
    };
    for (const auto& row : rows) {
        CAPTURE(row.method);
        CAPTURE(row.path);
        const auto answer = engine().send(row.method, row.path, row.method == "GET" ? "" : "{}");
        CHECK(answer.status == row.status);
        if (row.status == 404) CHECK(answer.body == R"({"message":"Not Found"})");
    }
}

TEST_CASE("where the engine does otherwise than Piston, it does so on purpose") {
    struct Row {
        std::string why, changes;
        Told piston, ours;
    };
    const Row rows[] = {
        {"a sentence instead of an empty object",
         R"({"files":[null]})",
         {400, "{}"},
         {400, R"({"message":"files[0] is required as an object"})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"echo ran","name":"../x"}]})",
         {500, ""},
         {400, R"({"message":"File path \"../x\" tries to escape parent directory: ../x"})"}},
        {"refused, instead of stored where the program is not found",
         R"({"files":[{"content":"echo ran","name":"/abs"}]})",
         {200,
          R"({"stderr":"bash: /abs: No such file or directory\n","code":127,"message":"Exited with error status 127","status":"RE"})"},
         {400,
          R"({"message":"File path \"/abs\" is absolute; it must be relative to the job's directory"})"}},
        {"a name that only begins with dots stays where it belongs",
         R"({"files":[{"content":"echo ran","name":"..x"}]})",
         {500, ""},
         {200, R"({"stdout":"ran\n"})"}},
        {"the plain name is used throughout, so the program is found",
         R"({"files":[{"content":"echo ran","name":"a/../m"}]})",
         {200,
          R"({"stderr":"bash: a/../m: No such file or directory\n","code":127,"message":"Exited with error status 127","status":"RE"})"},
         {200, R"({"stdout":"ran\n"})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"echo ran","name":"a/"}]})",
         {500, ""},
         {400, R"({"message":"File path \"a/\" names a directory, not a file"})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"echo ran","name":"."}]})",
         {500, ""},
         {400, R"({"message":"File path \".\" names a directory, not a file"})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"echo ran","name":".."}]})",
         {500, ""},
         {400, R"({"message":"File path \"..\" tries to escape parent directory: .."})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"echo ran","name":5}]})",
         {500, ""},
         {400, R"({"message":"files[0].name must be a string"})"}},
        {"a name that only begins with dots stays where it belongs",
         R"({"files":[{"content":"echo ran","name":"..."}]})",
         {500, ""},
         {200, R"({"stdout":"ran\n"})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"echo ran","name":"a/.."}]})",
         {500, ""},
         {400, R"({"message":"File path \".\" names a directory, not a file"})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"echo ran","name":"a\u0000b"}]})",
         {500, ""},
         {400, R"({"message":"File path \"a?b\" contains a NUL byte"})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"echo one","name":"m"},{"content":"x","name":"m/n"}]})",
         {500, ""},
         {400, R"({"message":"File path \"m\" names both a file and a directory"})"}},
        {"the directory also holds the program and its arguments under fixed names",
         R"({"files":[{"content":"ls"},{"content":"x"},{"content":"y","name":"n"}]})",
         {200, R"({"stdout":"file0.code\nfile1.code\nn\n"})"},
         {200, R"({"stdout":"args.args\ncode.code\nfile0.code\nfile1.code\nn\n"})"}},
        {"a sentence instead of an empty object",
         R"({"files":[{"content":"od -An -c"}],"stdin":5})",
         {400, "{}"},
         {400, R"({"message":"stdin must be a string"})"}},
        {"a sentence instead of an empty object",
         R"({"files":[{"content":"od -An -c"}],"stdin":true})",
         {400, "{}"},
         {400, R"({"message":"stdin must be a string"})"}},
        {"not given, as with every other field",
         R"({"files":[{"content":"od -An -c"}],"stdin":false})",
         {400, "{}"},
         {200, R"({"stdout":"  \\n\n"})"}},
        {"not given, as with every other field",
         R"({"files":[{"content":"od -An -c"}],"stdin":0})",
         {400, "{}"},
         {200, R"({"stdout":"  \\n\n"})"}},
        {"what is not text is refused instead of joined",
         R"({"files":[{"content":"od -An -c"}],"stdin":["a"]})",
         {200, R"({"stdout":"   a  \\n\n"})"},
         {400, R"({"message":"stdin must be a string"})"}},
        {"what is not text is refused instead of joined",
         R"({"files":[{"content":"od -An -c"}],"stdin":[]})",
         {200, R"({"stdout":"  \\n\n"})"},
         {400, R"({"message":"stdin must be a string"})"}},
        {"a sentence instead of an empty object",
         R"({"files":[{"content":"od -An -c"}],"stdin":{}})",
         {400, "{}"},
         {400, R"({"message":"stdin must be a string"})"}},
        {"refused, instead of taken apart into letters",
         R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":"abc"})",
         {200, R"({"stdout":"<a><b><c>"})"},
         {400, R"({"message":"args must be an array"})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":5})",
         {500, ""},
         {400, R"({"message":"args must be an array"})"}},
        {"not given, as with every other field",
         R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":0})",
         {500, ""},
         {200, R"({"stdout":"<>"})"}},
        {"a sentence instead of an empty 500",
         R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":true})",
         {500, ""},
         {400, R"({"message":"args must be an array"})"}},
        {"not given, as with every other field",
         R"({"files":[{"content":"printf \"<%s>\" \"$@\""}],"args":false})",
         {500, ""},
         {200, R"({"stdout":"<>"})"}},
        {"memory has a ceiling unless limits.run.memory takes it away",
         R"({"run_memory_limit":536870912})",
         {200, R"({"stdout":"hi\n"})"},
         {400,
          R"({"message":"run_memory_limit cannot exceed the configured limit of 268435456"})"}},
        {"a sentence instead of an empty 500",
         R"({"args":["a\u0000b"]})",
         {500, ""},
         {400, R"({"message":"args[0] contains a NUL byte"})"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.why);
        CAPTURE(row.changes);
        const auto answer = execute(row.changes);
        CHECK(answer.status == row.ours.status);
        CHECK(told_by(answer) == row.ours.text);
        // A row that says the same twice belongs into a table above.
        CHECK((answer.status != row.piston.status || told_by(answer) != row.piston.text));
    }
}
