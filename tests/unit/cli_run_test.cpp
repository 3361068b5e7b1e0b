#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "api/cli/arguments.h"
#include "api/cli/failure.h"
#include "api/cli/run/ending.h"
#include "api/cli/run/interactive.h"
#include "api/cli/run/program.h"
#include "api/cli/run/transcript.h"
#include "api/cli/run_arguments.h"
#include "api/cli/text.h"
#include "isolate/sys/error.h"

namespace {

using cli::Ending;
using cli::Stage;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

// What a transcript passed on: output, errors, notes.
struct Heard {
    std::string out, err, notes;

    bool operator==(const Heard&) const = default;
};

struct Listener {
    Heard heard;
    cli::Transcript transcript{{.out = [this](auto text) { heard.out += text; },
                                .err = [this](auto text) { heard.err += text; },
                                .note = [this](auto text) { (heard.notes += text) += ';'; }}};
};

std::string stage_json(const std::string& out, const std::string& err, const Json& code) {
    return Json{{"signal", nullptr}, {"stdout", out},      {"stderr", err},
                {"code", code},      {"message", nullptr}, {"status", nullptr}}
        .dump();
}

int refusal_of(const cli::RunOptions& options) {
    try {
        static_cast<void>(cli::read_program(options));
    } catch (const cli::Failure& failure) {
        return static_cast<int>(failure.code());
    }
    return 0;
}

}  // namespace

TEST_CASE("a program's end becomes an exit code as a shell would give it") {
    struct Row {
        std::string name;
        Ending ending;
        int code;
        std::string remark;
    };
    const Row rows[] = {
        {"passed", {.code = 0}, 0, ""},
        {"exit 3", {.code = 3, .status = "RE", .message = "Exited with error status 3"}, 3, ""},
        {"exit 3 of a Piston's WebSocket", {.code = 3}, 3, ""},
        {"abort",
         {.signal = "SIGABRT", .status = "SG", .message = "Caught fatal signal 6"},
         134,
         "Caught fatal signal 6"},
        {"killed, and nothing else told", {.signal = "SIGKILL"}, 137, "ended by SIGKILL"},
        {"wall clock",
         {.signal = "SIGKILL", .status = "TO", .message = "Time limit exceeded (wall clock)"},
         124,
         "Time limit exceeded (wall clock)"},
        {"too much output",
         {.signal = "SIGKILL", .status = "OL", .message = "stdout length exceeded"},
         137,
         "stdout length exceeded"},
        {"too many errors",
         {.signal = "SIGKILL", .status = "EL", .message = "stderr length exceeded"},
         137,
         "stderr length exceeded"},
        {"out of memory, but it went on",
         {.code = 0, .message = "Memory limit exceeded: a process was killed"},
         0,
         "Memory limit exceeded: a process was killed"},
        {"the sandbox", {.status = "XX", .message = "no box"}, 1, "no box"},
        {"a compiler out of time",
         {.stage = Stage::compile, .status = "TO", .message = "Time limit exceeded"},
         124,
         "compiling: Time limit exceeded"},
        {"a message that steers terminals", {.status = "XX", .message = "a\x1b[2Jb"}, 1, "a?[2Jb"},
        {"nothing told", {}, 1, "the engine does not say how it ended"},
        {"a signal nobody knows", {.signal = "SIGFROB"}, 1, "ended by SIGFROB"},
        {"a code beyond a byte", {.code = 256 + 7}, 7, ""},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(cli::exit_code_of(row.ending) == row.code);
        CHECK(cli::remark_on(row.ending) == row.remark);
    }
}

TEST_CASE("a stream's output is passed on as it comes, a compiler's as errors") {
    Listener listener;
    auto& transcript = listener.transcript;
    transcript.take_event({"runtime", R"({"language":"c","version":"12.2.0"})"});
    transcript.take_event({"stage", R"({"stage":"compile"})"});
    transcript.take_event({"stdout", R"({"data":"warning"})"});
    transcript.take_event({"exit", R"({"stage":"compile","code":0,"signal":null})"});
    CHECK(!transcript.finished());
    CHECK(!transcript.running());
    transcript.take_event({"stage", R"({"stage":"run"})"});
    CHECK(transcript.running());
    transcript.take_event({"stdout", R"({"data":"a\u0000b"})"});
    transcript.take_event({"colour", R"({"data":"red"})"});
    transcript.take_event({"stderr", R"({"data":"e"})"});
    transcript.take_event({"exit", R"({"stage":"run","code":3,"status":"RE","signal":null})"});
    CHECK(listener.heard == Heard{std::string("a\0b", 3), "warninge", "c 12.2.0;compile;run;"});
    REQUIRE(transcript.finished());
    CHECK(*transcript.ending() == Ending{.code = 3, .status = "RE"});
    transcript.take_event({"result", R"({"run":{"stdout":"a"}})"});
    CHECK(listener.heard.out.size() == 3);
}

TEST_CASE("a WebSocket's messages are told as a stream's events are") {
    Listener listener;
    auto& transcript = listener.transcript;
    transcript.take_message(R"({"type":"runtime","language":"c","version":"1.0.0"})");
    transcript.take_message(R"({"type":"stage","stage":"compile"})");
    transcript.take_message(R"({"type":"data","stream":"stderr","data":"no such thing"})");
    transcript.take_message(R"({"type":"exit","stage":"compile","code":1,"signal":null})");
    CHECK(listener.heard == Heard{"", "no such thing", "c 1.0.0;compile;"});
    REQUIRE(transcript.finished());
    CHECK(*transcript.ending() == Ending{.stage = Stage::compile, .code = 1});
}

TEST_CASE("an answer at the end is told as if it had been streamed") {
    struct Row {
        std::string name, answer;
        Heard heard;
        Ending ending;
    };
    const auto run = stage_json("out", "err", 0);
    const auto broken = stage_json("x", "syntax", 1);
    const Row rows[] = {
        {"run alone", R"({"run":)" + run + "}", {"out", "err", " ;run;"}, {.code = 0}},
        {"compiled",
         R"({"compile":)" + stage_json("", "warn", 0) + R"(,"run":)" + run + "}",
         {"out", "warnerr", " ;compile;run;"},
         {.code = 0}},
        {"not compiled, and a copy as run",
         R"({"compile":)" + broken + R"(,"run":)" + broken + "}",
         {"", "xsyntax", " ;compile;"},
         {.stage = Stage::compile, .code = 1}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Listener listener;
        listener.transcript.take_answer(row.answer);
        CHECK(listener.heard == row.heard);
        REQUIRE(listener.transcript.finished());
        CHECK(*listener.transcript.ending() == row.ending);
    }
}

TEST_CASE("what is no answer is said to be none, and an engine's error is its sentence") {
    for (const std::string text : {"", "[]", "{", "{}", R"({"run":3})", "\xff"}) {
        CAPTURE(text);
        Listener listener;
        CHECK_THROWS_AS(listener.transcript.take_answer(text), sys::Error);
    }
    Listener listener;
    CHECK_THROWS_WITH_AS(listener.transcript.take_event({"error", R"({"message":"no box"})"}),
                         "no box", cli::Failure);
    CHECK_THROWS_WITH_AS(
        listener.transcript.take_message(R"({"type":"error","message":"x-1 runtime is unknown"})"),
        "x-1 runtime is unknown", cli::Failure);
    CHECK_THROWS_AS(listener.transcript.take_event({"stdout", "no json"}), sys::Error);
}

TEST_CASE("however an engine's words are broken, they are told or refused") {
    auto random = std::mt19937{42};  // fixed, so that a failure can be repeated
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    const std::string seeds[] = {
        R"({"type":"data","stream":"stdout","data":"abc"})",
        R"({"type":"exit","stage":"run","code":3,"signal":"SIGKILL","status":"TO"})",
        R"({"type":"stage","stage":"compile"})",
        R"({"run":{"code":1,"stdout":"a","stderr":"b","signal":null}})"};
    const std::string spices[] = {
        "null", "{", "}", "\"", ",", "1e999", "-1", "[", "18446744073709551615"};
    int told = 0;
    int refused = 0;
    for (int round = 0; round < 10'000; ++round) {
        auto text = seeds[below(std::size(seeds))];
        const auto where = below(text.size());
        const auto& spice = spices[below(std::size(spices))];
        if (below(2) == 0) text[where] = static_cast<char>(below(256));
        if (below(3) == 0) text.replace(where, below(6), spice);
        CAPTURE(round);
        CAPTURE(text);
        Listener listener;
        try {
            listener.transcript.take_message(text);
            listener.transcript.take_event({"exit", text});
            listener.transcript.take_answer(text);
            ++told;
        } catch (const sys::Error& error) {
            REQUIRE(error.kind() == sys::Kind::broken);
            ++refused;
        } catch (const cli::Failure&) {
            ++refused;
        }
        if (const auto& ending = listener.transcript.ending()) {
            const int code = cli::exit_code_of(*ending);
            REQUIRE((code >= 0 && code <= 255));
        }
    }
    CHECK(told > 500);
    CHECK(refused > 2'000);
}

TEST_CASE("words behind FILE are the program's, whatever they look like") {
    struct Row {
        std::string name;
        Words line, ours, program;
    };
    const Row rows[] = {
        {"none", {"run", "python", "a.py"}, {"run", "python", "a.py"}, {}},
        {"options",
         {"run", "python", "a.py", "-i", "--url"},
         {"run", "python", "a.py"},
         {"-i", "--url"}},
        {"a mark behind FILE is nobody's",
         {"run", "python", "a.py", "--", "-x", "--", "y"},
         {"run", "python", "a.py"},
         {"-x", "--", "y"}},
        {"values of options are no places",
         {"-q", "-u", "h:1", "run", "-l", "3", "-f", "b.py", "python", "-i", "a.py", "c"},
         {"-q", "-u", "h:1", "run", "-l", "3", "-f", "b.py", "python", "-i", "a.py"},
         {"c"}},
        {"values that are attached",
         {"run", "--run-timeout=3s", "-l3", "-itf", "b", "python", "a.py", "c"},
         {"run", "--run-timeout=3s", "-l3", "-itf", "b", "python", "a.py"},
         {"c"}},
        {"options of the whole program",
         {"run", "--url", "h", "--config", "f", "python", "a.py", "c"},
         {"run", "--url", "h", "--config", "f", "python", "a.py"},
         {"c"}},
        {"Piston's names",
         {"execute", "--rt", "100", "-c", "5", "--language_version", "3", "python", "a.py", "c"},
         {"execute", "--rt", "100", "-c", "5", "--language_version", "3", "python", "a.py"},
         {"c"}},
        {"-s is a switch here, and takes a value elsewhere",
         {"-s", "a=1", "run", "-s", "python", "a.py", "c"},
         {"-s", "a=1", "run", "-s", "python", "a.py"},
         {"c"}},
        {"a program from standard input", {"run", "bash", "-", "-c"}, {"run", "bash", "-"}, {"-c"}},
        {"a mark before FILE",
         {"run", "--", "python", "-a", "b"},
         {"run", "--", "python", "-a"},
         {"b"}},
        {"other commands", {"install", "php", "lua", "-q"}, {"install", "php", "lua", "-q"}, {}},
        {"nothing", {}, {}, {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto words = row.line;
        CHECK(cli::take_program_arguments(cli::shape(), words) == row.program);
        CHECK(words == row.ours);
    }
}

TEST_CASE("the line of a run is read, in our words and in Piston's") {
    struct Row {
        Words line;
        bool good;
    };
    const Row rows[] = {
        {{"run", "python", "a.py", "--frob", "list"}, true},
        {{"execute", "--rt", "1", "--ct", "2", "--language_version", "3", "python", "a.py"}, true},
        {{"run", "--run_timeout", "1", "--compile_timeout", "2", "python", "a.py"}, true},
        {{"--piston-url", "http://h:1", "run", "-i", "-s", "python", "a.py"}, true},
        {{"run", "-f", "a", "-f", "b", "python", "c"}, true},
        {{"run", "--", "python", "-a"}, true},
        {{"run", "python"}, false},
        {{"run"}, false},
        {{"run", "--frob", "python", "a.py"}, false},
    };
    for (const auto& row : rows) {
        auto words = row.line;
        words.insert(words.begin(), "crankcase");
        CAPTURE(words.back());
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        const auto line = cli::read_line(static_cast<int>(words.size()), argv.data());
        CHECK((line.finished == std::nullopt) == row.good);
        CHECK((line.command != nullptr) == row.good);
    }
}

TEST_CASE("limits are times and sizes as people write them") {
    cli::RunOptions options;
    options.run_timeout = "3s";
    options.compile_timeout = "250";
    options.run_cpu_time = "500ms";
    options.run_memory_limit = "64MiB";
    options.compile_memory_limit = "-1";
    using Limits = std::vector<std::pair<std::string, std::int64_t>>;
    CHECK(cli::limits_of(options) == Limits{{"run_timeout", 3000},
                                            {"compile_timeout", 250},
                                            {"run_cpu_time", 500},
                                            {"run_memory_limit", 67108864},
                                            {"compile_memory_limit", -1}});
    CHECK(cli::limits_of({}).empty());
    for (const std::string wrong : {"soon", "-1", "0", "unlimited", "3 parsecs"}) {
        CAPTURE(wrong);
        options.run_timeout = wrong;
        CHECK_THROWS_AS(cli::limits_of(options), cli::Failure);
    }
    options.run_timeout.clear();
    options.run_memory_limit = "lots";
    CHECK_THROWS_WITH_AS(cli::limits_of(options),
                         "--run-memory-limit takes bytes or a size such as 64MiB, or -1 for as "
                         "much as the engine allows, not lots",
                         cli::Failure);
}

TEST_CASE("files are called in the box as they are from here") {
    struct Row {
        std::string name;
        Words paths, expected;
    };
    const Row rows[] = {
        {"one alone", {"src/main.py"}, {"main.py"}},
        {"beside each other", {"main.py", "util.py"}, {"main.py", "util.py"}},
        {"below", {"./src/main.py", "src/lib/../util.py"}, {"src/main.py", "src/util.py"}},
        {"absolute, and here", {"/home/a/b.c", "/home/a/b.h"}, {"b.c", "b.h"}},
        {"from elsewhere",
         {"main.py", "../util.py", "/etc/passwd"},
         {"main.py", "util.py", "passwd"}},
        {"standard input has none", {"-", "util.py"}, {"", "util.py"}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(cli::names_in_box(row.paths, "/home/a") == row.expected);
    }
    CHECK_THROWS_AS(cli::names_in_box({"a.h", "../a.h"}, "/home/a"), cli::Failure);
    CHECK_THROWS_AS(cli::names_in_box({"src/"}, "/home/a"), cli::Failure);
    CHECK_THROWS_AS(cli::names_in_box({"a.c", "."}, "/home/a"), cli::Failure);
}

TEST_CASE("options that contradict each other are refused before anything is read") {
    const auto options = [](const std::string& file) {
        cli::RunOptions result;
        result.language = "python";
        result.file = file;
        return result;
    };
    auto twice = options("-");
    twice.standard_input = true;
    CHECK(refusal_of(twice) == 2);
    auto talking = options("-");
    talking.interactive = true;
    CHECK(refusal_of(talking) == 2);
    auto json = options("/dev/null");
    json.json = json.interactive = true;
    CHECK(refusal_of(json) == 2);
    auto bytes = options("/dev/null");
    bytes.arguments = {"\xff"};
    CHECK(refusal_of(bytes) == 2);
    CHECK(refusal_of(options("/dev/null")) == 0);
}

TEST_CASE("a program is sent as the interface wants it, the main file first") {
    cli::Program program{.language = "c",
                         .version = "*",
                         .files = {{"main.c", "int \"é\""}, {"logo.png", "\x89PNG"}, {"", "x"}},
                         .arguments = {"-v", "two words"},
                         .input = "3 4\n",
                         .limits = {{"run_timeout", 1000}, {"run_memory_limit", -1}}};
    const auto sent = Json::parse(cli::execute_body(program));
    CHECK(sent["files"] ==
          Json{{{"name", "main.c"}, {"content", "int \"é\""}},
               {{"name", "logo.png"}, {"content", "iVBORw=="}, {"encoding", "base64"}},
               {{"content", "x"}}});
    CHECK(sent["language"] == "c");
    CHECK(sent["version"] == "*");
    CHECK(sent["args"] == Json{"-v", "two words"});
    CHECK(sent["stdin"] == "3 4\n");
    CHECK(sent["run_timeout"] == 1000);
    CHECK(sent["run_memory_limit"] == -1);
    program.input.reset();
    const auto said = Json::parse(cli::init_message(program, cli::WindowSize{40, 132}));
    CHECK(said["type"] == "init");
    CHECK(said["pty"] == Json{{"rows", 40}, {"cols", 132}});
    CHECK(!said.contains("stdin"));
    CHECK(!Json::parse(cli::init_message(program, std::nullopt)).contains("pty"));
}

TEST_CASE("steering messages are those of the interface") {
    CHECK(Json::parse(cli::input_message("a\"\xff")) ==
          Json{{"type", "data"}, {"stream", "stdin"}, {"data", "a\"\uFFFD"}});
    CHECK(Json::parse(cli::end_of_input_message()) ==
          Json{{"type", "data"}, {"stream", "stdin"}, {"data", ""}, {"eof", true}});
    CHECK(Json::parse(cli::signal_message("SIGINT")) ==
          Json{{"type", "signal"}, {"signal", "SIGINT"}});
    CHECK(Json::parse(cli::resize_message({24, 80})) ==
          Json{{"type", "resize"}, {"rows", 24}, {"cols", 80}});
}

TEST_CASE("input that is cut in the middle of a character keeps it together") {
    std::string pending = "a\xC3";
    CHECK(cli::take_characters(pending) == "a");
    CHECK(pending == "\xC3");
    CHECK(cli::take_characters(pending).empty());
    pending += "\xA9z";
    CHECK(cli::take_characters(pending) == "éz");
    CHECK(pending.empty());
}

TEST_CASE("UTF-8 is told from what only looks like it") {
    const std::string good[] = {"", "a", "é", "€", "\U0001F600", std::string("\0", 1), "\uFFFD"};
    for (const auto& text : good) {
        CAPTURE(text);
        CHECK(cli::is_utf8(text));
    }
    const std::string bad[] = {"\xff",
                               "\x80",
                               "\xC3",
                               "\xC0\x80",
                               "\xE0\x80\x80",
                               "\xED\xA0\x80",
                               "\xF0\x80\x80\x80",
                               "\xF4\x90\x80\x80",
                               "\xF5\x80\x80\x80",
                               "a\xE2\x82",
                               "\xC3z"};
    for (const auto& text : bad) {
        CAPTURE(text);
        CHECK(!cli::is_utf8(text));
    }
}
