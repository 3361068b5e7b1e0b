#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "api/cli/failure.h"
#include "api/cli/remote.h"
#include "api/cli/rest.h"
#include "api/cli/self_test.h"
#include "isolate/sys/error.h"
#include "packages/digest.h"

namespace {

using Json = nlohmann::ordered_json;

struct Stage {
    Json code = 0;
    std::string stdout_text{};
    Json status = nullptr, message = nullptr;
    std::string stderr_text{};
};

Json json_of(const Stage& stage) {
    return {{"signal", nullptr},  {"stdout", stage.stdout_text}, {"stderr", stage.stderr_text},
            {"code", stage.code}, {"message", stage.message},    {"status", stage.status},
            {"wall_time", 2.5}};
}

std::string answer(const Stage& run) {
    return Json{{"run", json_of(run)}, {"language", "x"}, {"version", "1.0.0"}}.dump();
}

std::string answer(const Stage& compile, const Stage& run) {
    return Json{{"compile", json_of(compile)}, {"run", json_of(run)}}.dump();
}

cli::Judgement judged(const std::string& test, const std::string& body, long status = 200) {
    return cli::judge({.name = test, .files = {}}, status, body);
}

const Stage exit_3{
    .code = 3, .stdout_text = "", .status = "RE", .message = "Exited with error status 3"};
const Stage aborted{
    .code = nullptr, .stdout_text = "", .status = "SG", .message = "Caught fatal signal 6"};
const Stage too_slow{.code = nullptr,
                     .stdout_text = "",
                     .status = "TO",
                     .message = "Time limit exceeded (wall clock)"};

}  // namespace

TEST_CASE("a self-test is sent with the files, input and arguments its name asks for") {
    packages::Provided provided;
    provided.language = "c++";
    const packages::SelfTest modules{.name = "modules",
                                     .files = {{"main.cpp", "a\xFF"}, {"util.h", "b"}}};
    auto sent = Json::parse(cli::request_of(provided, "12.2.0", modules));
    CHECK(sent["language"] == "c++");
    CHECK(sent["version"] == "12.2.0");
    CHECK(sent["files"][0] == Json{{"name", "main.cpp"}, {"content", "a\uFFFD"}});
    CHECK(sent["files"][1]["name"] == "util.h");
    CHECK(!sent.contains("stdin"));
    CHECK(!sent.contains("args"));
    sent = Json::parse(cli::request_of(provided, "1.0.0", {.name = "stdin", .files = {}}));
    CHECK(sent["stdin"] == "first line\nzwei\n");
    sent = Json::parse(cli::request_of(provided, "1.0.0", {.name = "args", .files = {}}));
    CHECK(sent["args"] == Json{"one", "two words"});
}

TEST_CASE("each self-test passes by what it must do, and by nothing else") {
    struct Row {
        std::string name, test, body;
        bool passes;
    };
    const auto printed = [](const std::string& text) { return answer(Stage{0, text}); };
    const Row rows[] = {
        {"the greeting", "hello", printed("hello\n"), true},
        {"no newline at the end", "hello", printed("hello"), true},
        {"blanks and carriage returns", "hello", printed("hello \t\r\n\r\n"), true},
        {"more than the greeting", "hello", printed("hello\nworld\n"), false},
        {"another greeting", "hello", printed("Hello\n"), false},
        {"blanks in front", "hello", printed(" hello\n"), false},
        {"nothing", "hello", printed(""), false},
        {"the greeting, but it failed", "hello", answer(Stage{1, "hello\n", "RE"}), false},
        {"the greeting, but too slowly", "hello", answer(too_slow), false},
        {"UTF-8", "utf8", printed("h\u00e9llo \u4e16\u754c \u2603\n"), true},
        {"not UTF-8", "utf8", printed("h?llo ?? ?\n"), false},
        {"the input", "stdin", printed("first line\nzwei\n"), true},
        {"the input's first line", "stdin", printed("first line\n"), false},
        {"an empty line too many", "stdin", printed("first line\n\nzwei\n"), false},
        {"the arguments", "args", printed("one\ntwo words\n"), true},
        {"arguments that were split", "args", printed("one\ntwo\nwords\n"), false},
        {"a module", "modules", printed("hello from a module\n"), true},
        {"exit code 3", "fails", answer(exit_3), true},
        {"a signal", "fails", answer(aborted), true},
        {"no failure", "fails", printed(""), false},
        {"a limit is no failure of the program's", "fails", answer(too_slow), false},
        {"compiled, then failed", "fails", answer(Stage{}, exit_3), true},
        {"failed to compile", "fails", answer(exit_3, exit_3), false},
        {"refused by the compiler", "broken", answer(exit_3, exit_3), true},
        {"the compiler crashed", "broken", answer(aborted, aborted), true},
        {"the compiler took it", "broken", answer(Stage{}, exit_3), false},
        {"the compiler was too slow", "broken", answer(too_slow, too_slow), false},
        {"no compiler", "broken", answer(exit_3), false},
        {"another test that ends well", "own", printed("whatever"), true},
        {"another test that fails", "own", answer(exit_3), false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto judgement = judged(row.test, row.body);
        CHECK(judgement.passed == row.passes);
        CHECK(judgement.why.empty() == row.passes);
    }
}

TEST_CASE("a judgement says why, and how long it took") {
    CHECK(judged("hello", answer(Stage{0, "bye\n"})).why ==
          R"(it printed "bye\n" instead of "hello\n")");
    const Stage missing{127, "", "RE", "Exited with error status 127", "php: not found\nmore\n"};
    CHECK(judged("hello", answer(missing)).why ==
          R"(Exited with error status 127; it said "php: not found")");
    CHECK(judged("hello", answer(exit_3, exit_3)).why == "compiling: Exited with error status 3");
    CHECK(judged("fails", answer(Stage{})).why ==
          "it should have failed: it ended with exit code 0");
    CHECK(judged("hello", answer(Stage{}, Stage{0, "hello"})).wall_ms == doctest::Approx(5.0));
}

TEST_CASE("no answer of an engine is too odd to be judged") {
    CHECK(judged("hello", R"({"message":"no such runtime"})", 400).why ==
          "the engine answered 400: no such runtime");
    for (const std::string body :
         {"", "[]", "null", "{", "{}", R"({"run":5})", R"({"run":{}})", R"({"run":{"code":"0"}})",
          R"({"run":{"code":0,"stdout":5}})", R"({"compile":{},"run":{"code":0}})"}) {
        CAPTURE(body);
        for (const std::string test : {"hello", "fails", "broken", "own"}) {
            CAPTURE(test);
            const bool ends_well = test == "own" && body == R"({"run":{"code":0,"stdout":5}})";
            CHECK(judged(test, body).passed == ends_well);
        }
    }
}

TEST_CASE("an engine's address may be written as people do") {
    CHECK(cli::base_url("box:2000") == "http://box:2000");
    CHECK(cli::base_url("https://box.example/") == "https://box.example");
    CHECK(cli::base_url("http://box:2000/api/v2/") == "http://box:2000");
    CHECK_THROWS_AS(cli::base_url("file:///etc/passwd"), cli::Failure);
    CHECK(cli::url_of_listen("127.0.0.1:2000") == "http://127.0.0.1:2000");
    CHECK(cli::url_of_listen("0.0.0.0:80") == "http://127.0.0.1:80");
    CHECK(cli::url_of_listen("[::]:80") == "http://[::1]:80");
}

TEST_CASE("an answer's status becomes an exit code, and its message the error") {
    struct Row {
        long status;
        cli::ExitCode code;
    };
    using cli::ExitCode;
    const Row rows[] = {{400, ExitCode::failed},     {401, ExitCode::permission},
                        {403, ExitCode::permission}, {404, ExitCode::not_found},
                        {429, ExitCode::busy},       {500, ExitCode::failed},
                        {503, ExitCode::busy},       {302, ExitCode::failed}};
    for (const auto& row : rows) {
        CAPTURE(row.status);
        try {
            cli::throw_unless_good({row.status, R"({"message":"why\u001b"})"});
            FAIL_CHECK("nothing was thrown");
        } catch (const cli::Failure& failure) {
            CHECK(failure.code() == row.code);
            CHECK(std::string{failure.what()} == "why?");
        }
    }
    CHECK_NOTHROW(cli::throw_unless_good({200, ""}));
    CHECK_NOTHROW(cli::throw_unless_good({204, "no JSON"}));
    CHECK(cli::message_of({502, "<html>"}) == "the engine answered 502");
}

TEST_CASE("each kind of error has its exit code, and a wrong digest one of its own") {
    using cli::ExitCode;
    using sys::Kind;
    CHECK(cli::exit_code_of(sys::Error(Kind::not_found, "no")) == ExitCode::not_found);
    CHECK(cli::exit_code_of(sys::Error(Kind::busy, "later")) == ExitCode::busy);
    CHECK(cli::exit_code_of(sys::Error(Kind::broken, "disk")) == ExitCode::failed);
    const auto digest = packages::parse_digest(std::string(64, 'a'));
    CHECK(cli::exit_code_of(packages::DigestError("x", digest, digest)) == ExitCode::damaged);
    CHECK(cli::exit_code_of(cli::Failure(ExitCode::permission, "no")) == ExitCode::permission);
    CHECK(cli::exit_code_of(std::runtime_error("?")) == ExitCode::failed);
    try {
        cli::throw_unless_good({500, R"({"message":"Checksum miss-match want: a got: b"})"});
        FAIL_CHECK("nothing was thrown");
    } catch (const cli::Failure& failure) {
        CHECK(failure.code() == ExitCode::damaged);
    }
}

TEST_CASE("a remote engine's packages are read as Piston lists them") {
    const auto list =
        cli::read_packages(R"([{"language":"php","language_version":"8.2.3","installed":false},)"
                           R"({"language":"php","language_version":"8.0.2","installed":true}])");
    REQUIRE(list.size() == 2);
    CHECK(list[0].version == "8.0.2");
    CHECK(list[0].installed);
    CHECK(list[0].newer == "8.2.3");
    CHECK(!list[1].installed);
    for (const std::string body :
         {"", "{}", "[5]", R"([{"language":5}])", R"([{"language":"a"}])"}) {
        CAPTURE(body);
        CHECK_THROWS_AS(cli::read_packages(body), sys::Error);
    }
}
