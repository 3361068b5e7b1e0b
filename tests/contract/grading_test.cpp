// Programs that are run on many tests: what a request says of them and what the answer does, over
// the wire.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/engine_process.h"
#include "tests/support/http_client.h"

using support::EngineProcess;
using support::Json;

namespace {

EngineProcess& engine() {
    static EngineProcess shared{{"grading.max_tests=120", "grading.max_bytes=100KiB",
                                 "limits.run.wall_time=3s", "grading.total_output=256KiB"}};
    return shared;
}

Json list(std::initializer_list<Json> tests) {
    return Json::array_t(tests);
}

Json request(const std::string& language, const std::string& code, const Json& tests,
             const Json& more = Json::object()) {
    Json body{{"language", language},
              {"version", "*"},
              {"files", Json::array({{{"content", code}}})},
              {"tests", tests}};
    body.update(more);
    return body;
}

Json graded(const std::string& language, const std::string& code, const Json& tests,
            const Json& more = Json::object()) {
    const auto answer =
        engine().post("/api/v2/execute", request(language, code, tests, more).dump());
    CAPTURE(answer.body);
    REQUIRE(answer.status == 200);
    return answer.json();
}

std::string verdicts(const Json& answer) {
    std::string all;
    for (const auto& test : answer["tests"])
        all += (all.empty() ? "" : " ") + test["verdict"].get<std::string>();
    return all;
}

// Adds up two numbers; written down what it was, should somebody look.
const std::string sum_c =
    "#include <stdio.h>\n"
    "int main(void) { int a, b; if (scanf(\"%d %d\", &a, &b) != 2) return 3;\n"
    "  printf(\"%d\\n\", a + b); return 0; }\n";

Json test(const std::string& input, const std::string& expected) {
    return {{"stdin", input}, {"expected_output", expected}};
}

}  // namespace

TEST_CASE("a program is compiled once, and each test has its verdict") {
    const auto answer = graded(
        "c", sum_c, list({test("1 2", "3"), test("2 2", "5"), test("x", "0"), {{"stdin", "1 1"}}}));
    CHECK(verdicts(answer) == "accepted wrong_answer runtime_error accepted");
    CHECK(answer["score"] == Json{{"points", 2}, {"out_of", 4}, {"passed", 2}, {"of", 4}});
    CHECK(answer["compile"]["code"] == 0);
    CHECK(answer["language"] == "c");

    const auto& first = answer["tests"][0];
    std::vector<std::string> keys;
    for (const auto& [key, value] : first.items()) keys.push_back(key);
    CHECK(keys == std::vector<std::string>{"name", "verdict", "points", "out_of", "stdout",
                                           "stderr", "truncated", "code", "signal", "status",
                                           "message", "cpu_time", "wall_time", "memory",
                                           "difference"});
    CHECK(first["name"] == "1");
    CHECK(first["stdout"] == "3\n");
    CHECK(first["code"] == 0);
    CHECK(first["difference"] == Json());
    CHECK(first["memory"].is_number());

    const auto& second = answer["tests"][1];
    CHECK(second["difference"] == Json{{"line", 1}, {"expected", "5"}, {"actual", "4"}});
    CHECK(answer["tests"][2]["code"] == 3);
    CHECK(answer["tests"][2]["status"] == "RE");
    // Piston's own key is the run of the first that failed.
    CHECK(answer["run"]["stdout"] == "4\n");
}

TEST_CASE(
    "without a failure `run` is the last test's, and an interpreted language has no compile") {
    const auto answer = graded("bash", "read x; echo $x $1",
                               list({test("a", "a"),
                                     {{"stdin", "b"},
                                      {"args", {"c"}},
                                      {"expected_output", "b c"},
                                      {"name", "second"},
                                      {"points", 2.5}}}));
    CHECK(verdicts(answer) == "accepted accepted");
    CHECK(answer["run"]["stdout"] == "b c\n");
    CHECK_FALSE(answer.contains("compile"));
    CHECK(answer["tests"][1]["name"] == "second");
    CHECK(answer["score"] == Json{{"points", 3.5}, {"out_of", 3.5}, {"passed", 2}, {"of", 2}});
}

TEST_CASE("what a test leaves out is the request's") {
    const auto answer = graded("bash", "read x; echo $x $1",
                               list({Json::object(), {{"stdin", "b"}}, {{"args", {"c"}}}}),
                               {{"stdin", "top"}, {"args", {"arg"}}});
    CHECK(answer["tests"][0]["stdout"] == "top arg\n");
    CHECK(answer["tests"][1]["stdout"] == "b arg\n");
    CHECK(answer["tests"][2]["stdout"] == "top c\n");
}

TEST_CASE("a test sees nothing of another, and the same files as all") {
    const std::string code =
        "ls -A . /tmp /dev/shm | sort; id -u >&2\n"
        "touch left /tmp/left /dev/shm/left; echo changed > $0; echo $1 > args.args\n";
    std::vector<Json> tests;
    for (int i = 0; i < 12; ++i) tests.push_back({{"args", {std::to_string(i)}}});
    for (const std::string language : {"bash", "c"}) {
        CAPTURE(language);
        const std::string c =
            "#include <unistd.h>\nint main(void) { return execl(\"/bin/sh\", \"sh\", \"-c\", \""
            "ls -A . /tmp /dev/shm | sort; id -u >&2; cat args.args; touch left /tmp/left "
            "/dev/shm/left; rm -f *.code; echo x > a.out.new\", (char*)0); }\n";
        const auto answer = graded(language, language == "c" ? c : code, Json(tests));
        REQUIRE(answer["tests"].size() == tests.size());
        std::size_t number = 0;
        for (const auto& one : answer["tests"]) {
            CHECK(one["verdict"] == "accepted");
            const auto out = one["stdout"].get<std::string>();
            CHECK(out.find("left") == std::string::npos);
            CHECK(out.find("args.args\n") != std::string::npos);
            if (language == "c") {
                CHECK(out.find("a.out\n") != std::string::npos);
                CHECK(out.ends_with("\n" + std::to_string(number) + "\n"));
            }
            ++number;
        }
    }
}

TEST_CASE("what the compiler leaves is there for every test: directories, links, modes") {
    // Java's classes lie beside their source; the nested one has a file of its own.
    const auto answer = graded(
        "c", sum_c, list({test("1 2", "3"), test("3 4", "7")}),
        {{"files",
          Json::array(
              {{{"name", "main.c"}, {"content", sum_c}},
               {{"name", "data/deep/x.txt"}, {"content", "aGVsbG8="}, {"encoding", "base64"}}})}});
    CHECK(verdicts(answer) == "accepted accepted");
}

TEST_CASE("how a test ends is its own affair") {
    const std::string code =
        "read x\ncase $x in\n"
        "time) sleep 60;;\n"
        "cpu) while :; do :; done;;\n"
        "memory) head -c 300000000 /dev/zero | tail; echo;;\n"
        "output) yes;;\n"
        "signal) kill -SEGV $$;;\n"
        "code) exit 7;;\n"
        "*) echo good;;\nesac\n";
    const auto limited = [](const std::string& input, const Json& limits) -> Json {
        return {{"stdin", input}, {"expected_output", "good"}, {"limits", limits}};
    };
    const auto answer =
        graded("bash", code,
               list({test("", "good"), limited("time", {{"run_timeout", 300}}),
                     limited("cpu", {{"run_cpu_time", 200}}),
                     limited("memory", {{"run_memory_limit", 20'000'000}}), test("output", "good"),
                     test("signal", "good"), test("code", "good"), test("", "good")}));
    CHECK(verdicts(answer) ==
          "accepted time_limit time_limit memory_limit output_limit runtime_error runtime_error "
          "accepted");
    const auto& tests = answer["tests"];
    CHECK(tests[1]["status"] == "TO");
    CHECK(tests[1]["message"] == "Time limit exceeded (wall clock)");
    CHECK(tests[4]["status"] == "OL");
    CHECK(tests[4]["truncated"] == true);
    CHECK(tests[4]["stdout"].get<std::string>().size() <= 64 * 1024);
    CHECK(tests[5]["signal"] == "SIGSEGV");
    CHECK(tests[6]["code"] == 7);
}

TEST_CASE("nothing is run if it does not compile") {
    const auto answer = graded("c", "int main() { return x; }", list({test("", ""), test("", "")}));
    CHECK(verdicts(answer) == "not_run not_run");
    CHECK(answer["tests"][0]["message"] == "the program did not compile");
    CHECK(answer["tests"][0]["code"] == Json());
    CHECK(answer["tests"][0]["memory"] == Json());
    CHECK(answer["compile"]["code"] == 1);
    CHECK(answer["run"] == answer["compile"]);
    CHECK(answer["score"]["passed"] == 0);
}

TEST_CASE("the first failure can end it, and then nothing behind it counts") {
    std::vector<Json> tests;
    for (int i = 0; i < 20; ++i) tests.push_back(test(i == 3 || i == 5 ? "bad" : "x", "x"));
    const auto answer = graded("bash", "cat", Json(tests), {{"stop_on_first_failure", true}});
    std::string expected = "accepted accepted accepted wrong_answer";
    for (int i = 4; i < 20; ++i) expected += " not_run";
    CHECK(verdicts(answer) == expected);
    CHECK(answer["tests"][4]["message"] == "an earlier test failed");
    CHECK(answer["run"]["stdout"] == "bad\n");
    CHECK(answer["score"]["passed"] == 3);

    const auto all = graded("bash", "cat", Json(tests), {{"stop_on_first_failure", false}});
    CHECK(all["score"]["passed"] == 18);
}

TEST_CASE("a hundred tests are a hundred runs") {
    std::vector<Json> tests;
    for (int i = 0; i < 100; ++i)
        tests.push_back(test(std::to_string(i) + " 1", std::to_string(i + 1)));
    const auto answer = graded("c", sum_c, Json(tests));
    CHECK(answer["score"] == Json{{"points", 100}, {"out_of", 100}, {"passed", 100}, {"of", 100}});
}

TEST_CASE("every way to compare can be asked for, for all tests or for one") {
    struct Row {
        std::string name, output, expected;
        Json compare;
        std::string verdict;
    };
    const Row rows[] = {
        {"by default white space at the end does not count", "a \\n\\n", "a", nullptr, "accepted"},
        {"exact", "a\\n", "a", "exact", "wrong_answer"},
        {"exact, the same", "a\\n", "a\n", "exact", "accepted"},
        {"tokens", "1\\n2\\n", "1 2", "tokens", "accepted"},
        {"floats", "0.3000000000001\\n", "0.3", "floats", "accepted"},
        {"floats with a tolerance",
         "0.31\\n",
         "0.3",
         {{"mode", "floats"}, {"absolute", 0.1}},
         "accepted"},
        {"floats with a relative tolerance",
         "103\\n",
         "100",
         {{"mode", "floats"}, {"relative", 0.01}},
         "wrong_answer"},
        {"lines", "b\\na\\n", "a\nb\n", "lines", "accepted"},
        {"regex", "42\\n", "[0-9]+", "regex", "accepted"},
        {"regex, otherwise", "x\\n", "[0-9]+", "regex", "wrong_answer"},
    };
    std::vector<Json> tests;
    for (const auto& row : rows) {
        Json one{{"name", row.name}, {"args", {row.output}}, {"expected_output", row.expected}};
        if (!row.compare.is_null()) one["compare"] = row.compare;
        tests.push_back(one);
    }
    const auto answer = graded("bash", "printf \"$1\"", Json(tests));
    for (std::size_t i = 0; i < std::size(rows); ++i) {
        CAPTURE(rows[i].name);
        CHECK(answer["tests"][i]["verdict"] == rows[i].verdict);
    }
    const auto usual =
        graded("bash", "printf 'a\\n'", list({{{"expected_output", "a"}}}), {{"compare", "exact"}});
    CHECK(verdicts(usual) == "wrong_answer");
}

TEST_CASE("a checker judges, in a box of its own") {
    const std::string checker =
        "import sys\n"
        "given, output, answer = (open(name).read().split() for name in sys.argv[1:4])\n"
        "if len(sys.argv) != 5 or sys.argv[4] != 'own': sys.exit(3)\n"
        "if not output: sys.exit(2)\n"
        "if output[0] == 'half':\n"
        "    print('points 1.5 half of it', file=sys.stderr); sys.exit(7)\n"
        "if output[0] == 'crash': raise ValueError\n"
        "if output[0] == 'fail': print('broken data', file=sys.stderr); sys.exit(3)\n"
        "if output[0] == 'loop':\n"
        "    while True: pass\n"
        "good = output[0] == given[0] + answer[0]\n"
        "print('ok' if good else 'not the two together', file=sys.stderr)\n"
        "sys.exit(0 if good else 1)\n";
    const Json program{{"language", "python"},
                       {"version", "*"},
                       {"files", Json::array({{{"content", checker}}})},
                       {"run_timeout", 1500},
                       {"args", {"own"}}};
    const auto with = [](const std::string& says, const std::string& answer) -> Json {
        return {{"stdin", "in"}, {"args", {says}}, {"expected_output", answer}, {"points", 3}};
    };
    const auto answer =
        graded("bash", "echo $1; exit ${2:-0}",
               list({with("inout", "out"),
                     with("inout", "other"),
                     with("", "x"),
                     with("half", "x"),
                     with("fail", "x"),
                     with("loop", "x"),
                     {{"args", {"inout", "4"}}, {"expected_output", "out"}},
                     {{"args", {"plain"}}, {"expected_output", "plain"}, {"compare", "trimmed"}}}),
               {{"checker", program}});
    CHECK(verdicts(answer) ==
          "accepted wrong_answer presentation_error partial checker_error checker_error "
          "runtime_error accepted");
    const auto& tests = answer["tests"];
    CHECK(tests[0]["message"] == "ok");
    CHECK(tests[1]["message"] == "not the two together");
    CHECK(tests[3]["points"] == 1.5);
    CHECK(tests[3]["message"] == "half of it");
    CHECK(tests[4]["message"] == "broken data");
    CHECK(tests[4]["stdout"] == "fail\n");  // the program's, whatever the checker did
    CHECK(
        tests[5]["message"].get<std::string>().starts_with("the checker did not come to its end"));
    CHECK(answer["score"]["points"] == 5.5);
}

TEST_CASE("a compiled checker is compiled once, and one that does not compile is told of") {
    const auto checker = [](const std::string& code) -> Json {
        return {{"language", "c"}, {"version", "*"}, {"files", Json::array({{{"content", code}}})}};
    };
    const auto good = graded(
        "bash", "echo $1", list({{{"args", {"x"}}}, {{"args", {"y"}}}}),
        {{"checker", checker("#include <stdio.h>\nint main(int n, char** v) { FILE* f = "
                             "fopen(v[2], \"r\"); return n == 4 && fgetc(f) == 'x' ? 0 : 1; }")}});
    CHECK(verdicts(good) == "accepted wrong_answer");
    CHECK_FALSE(good.contains("checker"));

    const auto bad = graded("bash", "echo $1", list({{{"args", {"x"}}}}),
                            {{"checker", checker("int main() { return x; }")}});
    CHECK(verdicts(bad) == "checker_error");
    CHECK(bad["tests"][0]["message"] == "the checker did not compile");
    CHECK(bad["checker"]["code"] == 1);
    CHECK(bad["checker"]["stderr"].get<std::string>().find("undeclared") != std::string::npos);
}

TEST_CASE("what is wrong with tests is refused with the field and its index") {
    struct Row {
        std::string name;
        Json tests, more;
        std::string message;
    };
    const auto none = Json::object();
    const auto one = list({Json::object()});
    const auto with = [](const Json& fields) { return list({Json::object(), fields}); };
    const Row rows[] = {
        {"no list", 5, none, "tests must be an array"},
        {"a text", "x", none, "tests must be an array"},
        {"none", Json::array(), none, "tests must include at least one test"},
        {"no object", list({5}), none, "tests[0] must be an object"},
        {"name", with({{"name", 5}}), none, "tests[1].name must be a string"},
        {"stdin", with({{"stdin", 5}}), none, "tests[1].stdin must be a string"},
        {"args", with({{"args", "x"}}), none, "tests[1].args must be an array"},
        {"an argument", with({{"args", {std::string("a\0b", 3)}}}), none,
         "tests[1].args[0] contains a NUL byte"},
        {"expected_output", with({{"expected_output", 5}}), none,
         "tests[1].expected_output must be a string"},
        {"compare", with({{"compare", 5}}), none, "tests[1].compare must be a string or an object"},
        {"compare, another word", with({{"compare", "fuzzy"}}), none,
         "tests[1].compare must be exact, trimmed, tokens, floats, lines, regex or checker"},
        {"compare without a mode", with({{"compare", {{"absolute", 1}}}}), none,
         "tests[1].compare.mode is required as a string"},
        {"a tolerance", with({{"compare", {{"mode", "floats"}, {"absolute", "x"}}}}), none,
         "tests[1].compare.absolute must be a number"},
        {"a tolerance below zero", with({{"compare", {{"mode", "floats"}, {"relative", -1}}}}),
         none, "tests[1].compare.relative must be non-negative"},
        {"a checker that is not there", with({{"compare", "checker"}}), none,
         "tests[1].compare is checker, and there is no checker"},
        {"an expression that is not there", with({{"compare", "regex"}}), none,
         "tests[1].expected_output is required as a string, for it is compared as regex"},
        {"an expression", with({{"compare", "regex"}, {"expected_output", "("}}), none,
         "tests[1].expected_output is no regular expression: missing ): ("},
        {"limits", with({{"limits", 5}}), none, "tests[1].limits must be an object"},
        {"a limit", with({{"limits", {{"run_timeout", "x"}}}}), none,
         "If specified, tests[1].limits.run_timeout must be a number"},
        {"a limit above", with({{"limits", {{"run_timeout", 3001}}}}), none,
         "tests[1].limits.run_timeout cannot exceed the configured limit of 3000"},
        {"a limit below zero", with({{"limits", {{"run_cpu_time", -1}}}}), none,
         "tests[1].limits.run_cpu_time must be non-negative"},
        {"points", with({{"points", "x"}}), none, "tests[1].points must be a number"},
        {"points below zero", with({{"points", -1}}), none, "tests[1].points must be non-negative"},
        {"stop_on_first_failure",
         one,
         {{"stop_on_first_failure", "x"}},
         "stop_on_first_failure must be true or false"},
        {"compare of all",
         one,
         {{"compare", "fuzzy"}},
         "compare must be exact, trimmed, tokens, floats, lines, regex or checker"},
        {"checker", one, {{"checker", 5}}, "checker must be an object"},
        {"checker without language",
         one,
         {{"checker", Json::object()}},
         "checker: language is required as a string"},
        {"checker of an unknown language",
         one,
         {{"checker",
           {{"language", "nope"}, {"version", "*"}, {"files", Json::array({{{"content", ""}}})}}}},
         "checker: nope-* runtime is unknown"},
        {"checker with a file of a name that is taken",
         one,
         {{"checker",
           {{"language", "bash"},
            {"version", "*"},
            {"files", Json::array({{{"name", "answer"}, {"content", ""}}})}}}},
         "checker: files may not be called answer: that is what it is given to judge"},
        {"too many", Json(std::vector<Json>(121, Json::object())), none,
         "tests are 121; the most is 120 (grading.max_tests)"},
        {"too much", list({{{"name", ""}, {"stdin", std::string(110'000, 'x') + "\n"}}}), none,
         "tests are 110001 bytes together; the most is 100KiB (grading.max_bytes)"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto answer =
            engine().post("/api/v2/execute", request("bash", "true", row.tests, row.more).dump());
        CHECK(answer.status == 400);
        CHECK(answer.json()["message"] == row.message);
    }
}

TEST_CASE("null and absent are the same, and a request without tests is as it was") {
    const auto answer = engine().run("bash", "echo 1", {{"tests", nullptr}, {"checker", 5}});
    CHECK(answer["run"]["stdout"] == "1\n");
    CHECK_FALSE(answer.contains("tests"));
    const Json nothing{{"name", nullptr},   {"stdin", nullptr},  {"args", nullptr},
                       {"limits", nullptr}, {"points", nullptr}, {"expected_output", nullptr},
                       {"compare", nullptr}};
    CHECK(verdicts(graded(
              "bash", "true", list({nothing}),
              {{"checker", nullptr}, {"compare", nullptr}, {"stop_on_first_failure", nullptr}})) ==
          "accepted");
}

TEST_CASE("the public Piston's path takes tests as well") {
    const auto answer = engine().post("/api/v2/piston/execute",
                                      request("bash", "cat", list({test("a", "a")})).dump());
    CHECK(answer.status == 200);
    CHECK(answer.json()["score"]["passed"] == 1);
}

TEST_CASE("each test is told as it ends, in order where the first failure ends it") {
    for (const bool stops : {true, false}) {
        CAPTURE(stops);
        std::vector<Json> tests(6, test("x", "x"));
        tests[4] = test("x", "y");
        support::HttpClient client{engine().port()};
        client.send(support::post(
            "/api/v2/execute",
            request("bash", "cat", Json(tests), {{"stop_on_first_failure", stops}}).dump(),
            "Accept: text/event-stream\r\nConnection: close\r\n"));
        const auto text = client.read_to_end().value_or("");
        std::vector<int> indexes;
        const std::string mark = "event: test\ndata: ";
        for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
            const auto begin = at + mark.size();
            const auto event = Json::parse(text.substr(begin, text.find('\n', begin) - begin));
            indexes.push_back(event["index"]);
            CHECK(event["verdict"] == (event["index"] == 4 ? "wrong_answer" : "accepted"));
        }
        if (stops) CHECK(indexes == std::vector<int>{0, 1, 2, 3, 4});
        std::ranges::sort(indexes);
        CHECK(indexes.size() == (stops ? 5 : 6));
        CHECK(text.find("event: runtime") < text.find(mark));
        CHECK(text.find("event: result") > text.rfind(mark));
    }
}

TEST_CASE("when the client goes, every test goes") {
    EngineProcess own{{"limits.run.wall_time=1m", "admission.concurrent_jobs=3"}};
    std::vector<Json> tests(20, Json::object());
    support::abandon(own.port(), request("bash", "exec sleep 50", Json(tests)).dump(),
                     std::chrono::milliseconds{500});
    CHECK(own.wait_for_log(" graded ", 1));
    CHECK(own.pids_of("sleep").empty());
    CHECK(own.run("bash", "echo 1")["run"]["stdout"] == "1\n");
}

TEST_CASE("tests of one client take free slots only, and others get theirs") {
    EngineProcess own{{"admission.concurrent_jobs=2", "pool.runners=4"}};
    // Both slots work on it; whoever comes gets one of them after a test.
    std::vector<Json> tests(12, Json::object());
    support::HttpClient busy{own.port()};
    busy.send(support::post("/api/v2/execute", request("bash", "sleep 0.3", Json(tests)).dump(),
                            "Connection: close\r\n"));
    const auto other = own.run("bash", "echo other");
    CHECK(other["run"]["stdout"] == "other\n");
    // It was answered while the first still ran.
    busy.patience = std::chrono::milliseconds{0};
    CHECK_FALSE(busy.has_bytes());
    busy.patience = std::chrono::seconds{30};
    const auto answer = busy.read_answer();
    REQUIRE(answer);
    CHECK(Json::parse(answer->body)["score"]["passed"] == 12);
}
