// `crankcase run` as a user runs it, on servers that say what a test wants them to, and on an
// engine.
#include <doctest/doctest.h>
#include <signal.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/engine_process.h"
#include "tests/support/lying_server.h"
#include "tests/support/tool_process.h"

namespace {

using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;
using support::LyingServer;
using support::run_tool;
using support::run_words;
using support::ToolPlace;
using support::ToolProcess;

std::string event(const std::string& name, const Json& data) {
    return "event: " + name + "\ndata: " + data.dump() + "\n\n";
}

const std::string stream_head =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

std::string chunk(const std::string& bytes) {
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return size + bytes + "\r\n";
}

Json stage(const std::string& out, const std::string& err, const Json& code, const Json& status,
           const Json& message) {
    return {{"signal", nullptr}, {"stdout", out},      {"stderr", err},
            {"code", code},      {"message", message}, {"status", status}};
}

// Answers every request with this status and body, and keeps what it was sent.
struct Answering {
    std::string status, body;
    std::string heard{};
    LyingServer server{[this](const LyingServer::Request& request, LyingServer::Line& line) {
        heard = line.body_of(request);
        line.answer(status, body, "Content-Type: application/json; charset=utf-8\r\n");
    }};
};

support::EngineProcess& engine() {
    static support::EngineProcess process;
    return process;
}

}  // namespace

TEST_CASE("a run shows what is streamed, and ends as the program did") {
    const ToolPlace place;
    const auto file = place.file("a.py", "print()");
    const auto stream = ": hello\n\n" +
                        event("runtime", {{"language", "python"}, {"version", "3"}}) +
                        event("stage", {{"stage", "run"}}) + event("stdout", {{"data", "one\n"}}) +
                        event("stderr", {{"data", "two\n"}}) +
                        event("stdout", {{"data", std::string("\0\x1b[1m", 5)}}) +
                        event("exit", {{"stage", "run"}, {"code", 3}, {"status", "RE"}}) +
                        event("result", {{"run", stage("one\n", "two\n", 3, "RE", nullptr)}});
    std::string heard;
    LyingServer server{[&](const LyingServer::Request& request, LyingServer::Line& line) {
        heard = line.body_of(request);
        line.send(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
        for (std::size_t at = 0; at < stream.size(); at += 7)
            line.send(chunk(stream.substr(at, 7)));
        line.send("0\r\n\r\n");
    }};
    const auto result = run_tool(run_words(server.url(""), {"-i"}, {"py", file, "-x", "y"}), "in");
    server.stop();
    CHECK(result.code == 3);
    CHECK(result.out == std::string("one\n\0\x1b[1m", 9));
    CHECK(result.err == "two\n");
    const auto sent = Json::parse(heard);
    CHECK(sent["files"] == Json::array({{{"name", "a.py"}, {"content", "print()"}}}));
    CHECK(sent["args"] == Json{"-x", "y"});
    CHECK(sent["stdin"] == "in");
    CHECK(server.requests().front().header("accept") == "text/event-stream");
}

TEST_CASE("output is shown while the program still runs") {
    const ToolPlace place;
    const LyingServer server{[&](const LyingServer::Request& request, LyingServer::Line& line) {
        static_cast<void>(line.body_of(request));
        line.send(stream_head + event("stdout", {{"data", "early"}}));
        line.stall();
    }};
    ToolProcess tool{run_words(server.url(""), {}, {"py", place.file("a.py", "")})};
    CHECK(tool.wait_for_output("early"));
    ::kill(tool.pid(), SIGINT);
    const auto result = tool.finish();
    CHECK(result.code == 130);
    CHECK(result.err == "crankcase: stopped\n");
}

TEST_CASE("a Piston's answer, which comes at the end, is told the same way") {
    struct Row {
        std::string name, body, out, err;
        int code;
    };
    const auto failed = stage("", "no\n", 1, "RE", "Exited with error status 1");
    const Row rows[] = {
        {"passed", Json{{"run", stage("o", "e", 0, nullptr, nullptr)}}.dump(), "o", "e", 0},
        {"not compiled", Json{{"compile", failed}, {"run", failed}}.dump(), "", "no\n", 1},
        {"too slow", Json{{"run", stage("o", "", nullptr, "TO", "Time limit exceeded")}}.dump(),
         "o", "crankcase: Time limit exceeded\n", 124},
        {"too loud", Json{{"run", stage("o", "", nullptr, "OL", "stdout length exceeded")}}.dump(),
         "o", "crankcase: stdout length exceeded\n", 137},
    };
    const ToolPlace place;
    const auto file = place.file("a.py", "");
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const Answering fake{"200 OK", row.body};
        const auto result = run_tool(run_words(fake.server.url(""), {}, {"py", file}));
        CHECK(result.code == row.code);
        CHECK(result.out == row.out);
        CHECK(result.err == row.err);
    }
    const auto body = Json{{"run", stage("o", "e", 4, "RE", nullptr)}}.dump();
    const Answering fake{"200 OK", body};
    const auto result = run_tool(run_words(fake.server.url(""), {"--json"}, {"py", file}));
    CHECK(result.code == 4);
    CHECK(result.out == body + "\n");
    CHECK(result.err.empty());
}

TEST_CASE("what is not the program's doing is said, with an exit code of its kind") {
    struct Row {
        std::string name, status, body, err;
        int code;
    };
    const Row rows[] = {
        {"refused", "400 Bad Request", R"({"message":"x-* runtime is unknown"})",
         "crankcase: x-* runtime is unknown\n", 1},
        {"not permitted", "401 Unauthorized", R"({"message":"who are you"})",
         "crankcase: who are you\n", 77},
        {"busy", "429 Too Many Requests", R"({"message":"later"})", "crankcase: later\n", 4},
        {"nothing there", "404 Not Found", "", "crankcase: the engine answered 404\n", 3},
        {"no answer", "200 OK", "hello", "crankcase: what the engine says is no JSON object\n", 1},
    };
    const ToolPlace place;
    const auto file = place.file("a.py", "");
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const Answering fake{row.status, row.body};
        const auto result = run_tool(run_words(fake.server.url(""), {}, {"x", file}));
        CHECK(result.code == row.code);
        CHECK(result.err == row.err);
        CHECK(result.out.empty());
    }
    const auto alone = run_tool(run_words("http://127.0.0.1:1", {}, {"x", file}));
    CHECK(alone.code == 1);
    CHECK(alone.err.starts_with("crankcase: no engine answers at http://127.0.0.1:1: "));
    CHECK(run_tool(run_words("http://127.0.0.1:1", {}, {"x", place.path + "/none"})).code == 1);
    const auto secure = run_tool(run_words("https://127.0.0.1:1", {"-t"}, {"x", file}));
    CHECK(secure.code == 2);
    CHECK(secure.err.find("http:// only") != std::string::npos);
}

TEST_CASE("a stream that ends before the program does is no success") {
    struct Row {
        std::string name, stream, err;
        int code;
    };
    const auto begun = event("stage", {{"stage", "run"}}) + event("stdout", {{"data", "half"}});
    const Row rows[] = {
        {"closed", stream_head + begun, "ended before the program did", 1},
        {"closed in the middle of an event",
         stream_head + begun + "event: exit\ndata: {\"code\":0}\n", "ended before the program did",
         1},
        {"cut in a chunk",
         "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: "
         "chunked\r\n\r\n" +
             chunk(begun) + "ff\r\nevent",
         "the connection broke to ", 1},
        {"an error in the middle", stream_head + begun + event("error", {{"message", "no box"}}),
         "crankcase: no box", 1},
    };
    const ToolPlace place;
    const auto file = place.file("a.py", "");
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const LyingServer server{[&](const LyingServer::Request& request, LyingServer::Line& line) {
            static_cast<void>(line.body_of(request));
            line.send(row.stream);
        }};
        const auto result = run_tool(run_words(server.url(""), {}, {"x", file}));
        CAPTURE(result.err);
        CHECK(result.code == row.code);
        CHECK(result.out == "half");
        CHECK(result.err.find(row.err) != std::string::npos);
    }
}

TEST_CASE("a run on a real engine is as if the program ran here") {
    struct Row {
        std::string name;
        Words options;
        std::string language, code;
        Words arguments;
        std::string input, out, err;
        int exit;
    };
    const Row rows[] = {
        {"hello", {}, "python", "print('hello')", {}, "", "hello\n", "", 0},
        {"exit code", {}, "bash", "echo out; echo err >&2; exit 3", {}, "", "out\n", "err\n", 3},
        {"input", {"-i"}, "bash", "cat", {}, "3 4\n", "3 4\n", "", 0},
        {"no input unless asked", {}, "bash", "cat", {}, "3 4\n", "\n", "", 0},
        {"arguments", {}, "bash", "printf '<%s>' \"$@\"", {"-x", "a b"}, "", "<-x><a b>", "", 0},
        {"a time limit",
         {"--run-timeout", "300ms"},
         "bash",
         "sleep 20",
         {},
         "",
         "",
         "crankcase: Time limit exceeded (wall clock)\n",
         124},
        {"not compiled", {}, "c", "int main( {", {}, "", "", "error", 1},
        {"a signal", {}, "c", "#include <stdlib.h>\nint main() { abort(); }", {}, "", "", "", 134},
    };
    const auto url = "http://127.0.0.1:" + std::to_string(engine().port());
    const ToolPlace place;
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto rest = Words{row.language, place.file("main.x", row.code)};
        rest.insert(rest.end(), row.arguments.begin(), row.arguments.end());
        const auto result = run_tool(run_words(url, row.options, rest), row.input);
        CAPTURE(result.err);
        CHECK(result.code == row.exit);
        CHECK(result.out == row.out);
        CHECK(result.err.find(row.err) != std::string::npos);
    }
    const auto helper = place.file("util.py", "word = 'beside'");
    const auto main = place.file("main.py", "import util; print(util.word)");
    CHECK(run_tool(run_words(url, {"-f", helper}, {"python", main})).out == "beside\n");
    CHECK(
        run_tool(run_words(url, {}, {"python", "-", "x"}), "import sys; print(sys.argv[1])").out ==
        "x\n");
    const auto unknown = run_tool(run_words(url, {}, {"klingon", main}));
    CHECK(unknown.code == 1);
    CHECK(unknown.err == "crankcase: klingon-* runtime is unknown\n");
}

TEST_CASE("Piston's package commands print Piston's lines") {
    const LyingServer server{[](const LyingServer::Request& request, LyingServer::Line& line) {
        const auto asked = Json::parse(line.body_of(request), nullptr, false);
        if (request.method == "GET")
            return line.answer("200 OK", R"([
                {"language":"bash","language_version":"5.2.0","installed":true},
                {"language":"lua","language_version":"5.4.4","installed":false}])");
        if (asked["language"] == "none")
            return line.answer("404 Not Found",
                               R"({"message":"Requested package none-* does not exist"})");
        line.answer("200 OK", Json{{"language", asked["language"]}, {"version", "1.0.0"}}.dump());
    }};
    struct Row {
        Words line;
        std::string out, err;
        int code;
    };
    const Row rows[] = {
        {{"ppman", "list"}, "• bash 5.2.0\n• lua 5.4.4\n", "", 0},
        {{"pkg", "l"}, "• bash 5.2.0\n• lua 5.4.4\n", "", 0},
        {{"ppman", "install", "lua"}, "✓ Installation succeeded\n", "", 0},
        {{"ppman", "i", "lua=5.x", "none", "bash"},
         "✓ Installation succeeded\n✓ Installation succeeded\n",
         "Requested package none-* does not exist\n",
         3},
        {{"ppman", "uninstall", "bash"}, "✓ Uninstallation succeeded\n", "", 0},
        {{"ppman", "u", "none"}, "", "Requested package none-* does not exist\n", 3},
    };
    for (const auto& row : rows) {
        auto words = row.line;
        words.insert(words.begin(), {"-q", "--piston-url", server.url("")});
        CAPTURE(row.line.back());
        const auto result = run_tool(words);
        CHECK(result.code == row.code);
        CHECK(result.out == row.out);
        CHECK(result.err == row.err);
    }
    const ToolPlace place;
    const auto rules = place.file("rules.pps", "# all but one\nlua *\n");
    const auto met = run_tool({"-q", "-u", server.url(""), "ppman", "spec", rules});
    CHECK(met.out ==
          "Actions\nInstall lua 5.4.4\nUninstall bash 5.2.0\nInstalled lua 5.4.4\n"
          "Uninstalled bash 5.2.0\n");
    CHECK(met.code == 0);
}
