#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "api/wire/body.h"
#include "api/wire/facade.h"
#include "api/wire/job.h"
#include "api/wire/json_text.h"
#include "api/wire/result.h"
#include "api/wire/syntax_error.h"

namespace {

using Json = nlohmann::ordered_json;
using engine::StageResult;
using engine::Verdict;

const engine::Runtimes& runtimes() {
    static const engine::Runtimes list = [] {
        engine::Runtime python;
        python.language = "python";
        python.version = "3.11.2";
        python.aliases = {"py", "python3"};
        engine::Runtime old = python;
        old.version = "2.7.18";
        old.aliases = {};
        return engine::Runtimes{{std::make_shared<const engine::Runtime>(old),
                                 std::make_shared<const engine::Runtime>(python)}};
    }();
    return list;
}

engine::Job v2(const std::string& fields) {
    return wire::decode_job(R"({"language":"py","version":"*","files":[{"content":"x"}])" +
                                (fields.empty() ? "" : "," + fields) + "}",
                            runtimes(), wire::Dialect::facade);
}

engine::Job v1(const std::string& body) {
    return wire::decode_v1_job(body, runtimes());
}

template <typename Call>
std::string refusal(Call call) {
    try {
        call();
    } catch (const sys::Error& error) {
        return error.what();
    }
    return "";
}

StageResult stage(std::string out, std::string err, int code) {
    StageResult result;
    result.verdict = code == 0 ? Verdict::passed : Verdict::failed;
    result.exit_code = code;
    result.output = {std::move(out), std::move(err), ""};
    if (!result.output.out.empty() && !result.output.err.empty())
        result.output.both = result.output.err + result.output.out;
    return result;
}

engine::JobResult result_of(std::optional<StageResult> compile, std::optional<StageResult> run) {
    return {.runtime = runtimes().all.back(), .compile = compile, .run = run, .queued = {}};
}

std::string keys_of(const std::string& json) {
    std::string keys;
    const auto object = Json::parse(json);
    for (const auto& [key, value] : object.items()) keys += key + " ";
    return keys;
}

}  // namespace

TEST_CASE("the public API lowers limits that are too high and refuses none for it") {
    const auto own = config::StageLimits{};
    struct Row {
        std::string name, fields;
        config::StageLimits expected;
    };
    auto lower = own;
    lower.run.wall_time = config::Milliseconds{1000};
    lower.compile.memory.count = 1000;
    const Row rows[] = {
        {"nothing", "", own},
        {"too high", R"("run_timeout":99999,"compile_timeout":1e300,"run_memory_limit":1e18)", own},
        {"lower", R"("run_timeout":1000,"compile_memory_limit":1000)", lower},
        {"no number", R"("run_timeout":"1000","run_memory_limit":[])", own},
        {"zero", R"("run_timeout":0,"run_memory_limit":0)", own},
        {"negative memory", R"("run_memory_limit":-1)", own},
        {"CPU time, which was not passed on", R"("run_cpu_time":1,"compile_cpu_time":"x")", own},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(v2(row.fields).limits == row.expected);
    }
    CHECK(refusal([] { v2(R"("run_timeout":-1)"); }) == "run_timeout must be non-negative");
}

TEST_CASE("the public API takes one text for files, and args that are no list for none") {
    const auto job = v2(R"x("files":"print(1)")x");
    REQUIRE(job.files.size() == 1);
    CHECK(job.files[0].content == "print(1)");
    CHECK(job.files[0].name == "file0.code");
    for (const std::string args : {"\"abc\"", "5", "{}", "null", "true"}) {
        CAPTURE(args);
        CHECK(v2("\"args\":" + args).arguments.empty());
    }
    CHECK(v2(R"("args":["a",1])").arguments == std::vector<std::string>{"a", "1"});
    CHECK(refusal([] { v2(R"("files":5)"); }) == "files is required as an array");
    CHECK(refusal([] { v2(R"("version":null)"); }) == "version is required as a string");
}

TEST_CASE("version 2 answers language, version, run and compile in this order") {
    const auto good = stage("out", "", 0);
    const auto bad = stage("", "no", 1);
    CHECK(keys_of(wire::encode_facade(result_of({}, good))) == "language version run ");
    const auto both = wire::encode_facade(result_of(good, bad));
    CHECK(keys_of(both) == "language version run compile ");
    CHECK(Json::parse(both)["run"].dump() == Json::parse(wire::encode(bad)).dump());
    const auto failed = Json::parse(wire::encode_facade(result_of(bad, {})));
    CHECK(failed["run"] == failed["compile"]);
    CHECK(failed["language"] == "python");
    CHECK(failed["version"] == "3.11.2");
}

TEST_CASE("version 1 is read with its own names and refused in its own words") {
    const auto job = v1(R"({"language":"python3","source":"x","args":["a"],"stdin":"in"})");
    CHECK(job.runtime->version == "3.11.2");
    REQUIRE(job.files.size() == 1);
    CHECK(job.files[0].content == "x");
    CHECK(job.files[0].is_code);
    CHECK(job.arguments == std::vector<std::string>{"a"});
    CHECK(job.stdin_text == "in\n");
    CHECK(job.limits == config::StageLimits{});
    CHECK(v1(R"({"language":"python","source":"x","version":"2"})").runtime->version == "2.7.18");

    struct Row {
        std::string name, body, expected;
    };
    const Row rows[] = {
        {"nothing", "", "No language supplied"},
        {"a list", "[]", "No language supplied"},
        {"a number", R"({"language":5})", "Supplied language is not a string"},
        {"unknown", R"({"language":"x"})", "Supplied language is not supported by Piston"},
        {"unknown version", R"({"language":"py","source":"x","version":"9"})",
         "Supplied language is not supported by Piston"},
        {"no source", R"({"language":"py"})", "No source supplied"},
        {"a list for source", R"({"language":"py","source":["x"]})",
         "Supplied source is not a string"},
        {"a text for args", R"({"language":"py","source":"x","args":"a"})",
         "Supplied args is not an array"},
        {"a number for stdin", R"({"language":"py","source":"x","stdin":5})",
         "Supplied stdin is not a string"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(refusal([&] { v1(row.body); }) == row.expected);
    }
}

TEST_CASE("version 1 joins the stages' texts, without carriage returns, and says whether all ran") {
    const auto answer = wire::encode_v1(result_of(stage("c1\r\n", "c2", 0), stage("r1", "r2", 0)));
    CHECK(keys_of(answer) == "ran language version output stdout stderr ");
    const auto json = Json::parse(answer);
    CHECK(json["ran"] == true);
    CHECK(json["stdout"] == "c1\nr1");
    CHECK(json["stderr"] == "c2r2");
    CHECK(json["output"] == "c2c1\nr2r1");

    struct Row {
        std::string name;
        engine::JobResult result;
        bool ran;
    };
    auto timed_out = stage("", "", 0);
    timed_out.verdict = Verdict::wall_timed_out;
    timed_out.exit_code = {};
    const Row rows[] = {
        {"it exited with 0", result_of({}, stage("", "", 0)), true},
        {"it exited with 1", result_of({}, stage("", "", 1)), false},
        {"it did not compile", result_of(stage("", "", 1), {}), false},
        {"it took too long", result_of({}, timed_out), false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(Json::parse(wire::encode_v1(row.result))["ran"] == row.ran);
    }
}

TEST_CASE("version 1 cuts each text at 65536 characters, and none of them in half") {
    constexpr std::size_t most = 65536;
    const auto out_of = [](const std::string& text) {
        const auto answer = wire::encode_v1(result_of({}, stage(text, "", 0)));
        return Json::parse(answer)["stdout"].get<std::string>();
    };
    CHECK(out_of(std::string(most, 'a')).size() == most);
    CHECK(out_of(std::string(most + 1, 'a')).size() == most);
    CHECK(out_of(std::string(most, '\r') + "ab") == "ab");
    const auto repeated = [](const std::string& text, std::size_t times) {
        std::string all;
        while (times-- > 0) all += text;
        return all;
    };
    CHECK(out_of(repeated("é", most + 5)) == repeated("é", most));
    CHECK(out_of("a" + repeated("😀", most)) == "a" + repeated("😀", most / 2 - 1));
    CHECK(wire::first_units("\xff\xff\xff", 2) == "\xff\xff");
}

TEST_CASE("version 1 lists runtimes by name") {
    CHECK(wire::encode_v1_versions(runtimes()) ==
          R"([{"name":"python","version":"2.7.18","aliases":[]},)"
          R"({"name":"python","version":"3.11.2","aliases":["py","python3"]}])");
    CHECK(wire::encode_v1_versions({}) == "[]");
}

TEST_CASE("what broke on our side is an execution problem with an id") {
    const sys::Error broken(sys::Kind::broken, "mount /box: no");
    CHECK(wire::facade_problem_of(broken, "id7") ==
          wire::Problem{500, R"({"message":"Execution problem: internal error id7"})"});
    const sys::Error wrong(sys::Kind::invalid, "no");
    CHECK(wire::facade_problem_of(wrong, "id7") == wire::Problem{400, R"({"message":"no"})"});
}

TEST_CASE("a body is JSON if its type says exactly that") {
    for (const std::string type : {"application/json", "Application/JSON ; charset=utf-8",
                                   "application/json;", " application/json"}) {
        CAPTURE(type);
        CHECK(wire::is_json(type));
    }
    for (const std::string type : {"", "application/jsonfoo", "application/problem+json",
                                   "text/plain", "application/x-www-form-urlencoded", "json"}) {
        CAPTURE(type);
        CHECK_FALSE(wire::is_json(type));
    }
}

TEST_CASE("a charset that is not UTF-8 is refused by name") {
    for (const std::string parameters :
         {"", "; charset=utf-8", ";charset=\"UTF-8\"", "; a=b; x", "; charset = utf8", ";;;"}) {
        CAPTURE(parameters);
        CHECK_NOTHROW(wire::check_charset("application/json" + parameters));
    }
    CHECK_THROWS_WITH_AS(wire::check_charset("application/json; charset=latin1"),
                         R"(UnsupportedMediaTypeError: unsupported charset "LATIN1")",
                         wire::SyntaxError);
    CHECK_THROWS_AS(wire::check_charset(R"(application/json; x=y; CHARSET="utf-16")"),
                    wire::SyntaxError);
}

TEST_CASE("JSON that nobody wants is checked like any other") {
    for (const std::string body : {"", "{}", "[]", R"({"a":1})"}) {
        CAPTURE(body);
        CHECK_NOTHROW(wire::check_json(body));
    }
    for (const std::string body : {"{", "null", "5", "\"x\"", " ", "{}x"}) {
        CAPTURE(body);
        CHECK_THROWS_AS(wire::check_json(body), wire::SyntaxError);
    }
}

TEST_CASE("no mutation of a request to the public API does worse than be refused") {
    const std::string seeds[] = {
        R"({"language":"py","version":"*","files":"x","args":["a",1],"run_timeout":5e9,"stdin":"i"})",
        R"({"language":"py","source":"x","args":["a",null,[1]],"stdin":"in","version":"3.x"})",
    };
    std::mt19937 random(29);
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    int taken = 0;
    for (int round = 0; round < 10'000; ++round) {
        auto body = seeds[below(2)];
        for (auto changes = 1 + below(3); changes > 0; --changes) {
            const auto place = below(body.size());
            switch (below(3)) {
                case 0:
                    body[place] = static_cast<char>(below(256));
                    break;
                case 1:
                    body.erase(place, 1 + below(4));
                    break;
                default:
                    body.insert(place, body.substr(below(body.size()), 1 + below(6)));
            }
            if (body.empty()) break;
        }
        for (const bool first : {true, false}) {
            try {
                const auto job = first ? wire::decode_v1_job(body, runtimes())
                                       : wire::decode_job(body, runtimes(), wire::Dialect::facade);
                CHECK(!job.files.empty());
                CHECK(job.limits.run.wall_time <= job.runtime->limits.run.wall_time);
                CHECK(job.limits.run.memory <= job.runtime->limits.run.memory);
                ++taken;
            } catch (const sys::Error& error) {
                CHECK(error.kind() == sys::Kind::invalid);
            }
        }
    }
    CHECK(taken > 100);
}
