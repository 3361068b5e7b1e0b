#include <doctest/doctest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

#include "api/wire/job.h"
#include "api/wire/syntax_error.h"

namespace {

using namespace std::string_literals;

std::shared_ptr<const engine::Runtime> runtime(const char* language, const char* version,
                                               config::StageLimits limits = {}) {
    engine::Runtime made;
    made.language = language;
    made.version = version;
    made.limits = limits;
    return std::make_shared<const engine::Runtime>(made);
}

config::StageLimits unlimited() {
    config::StageLimits limits;
    for (auto* stage : {&limits.compile, &limits.run}) {
        stage->wall_time = stage->cpu_time = config::unlimited_time;
        stage->memory = config::unlimited_bytes;
    }
    return limits;
}

const engine::Runtimes& runtimes() {
    static const engine::Runtimes list{{
        runtime("python", "3.11.2"),
        runtime("file", "0.0.1"),
        runtime("free", "1.0.0", unlimited()),
    }};
    return list;
}

engine::Job decode(const std::string& body) {
    return wire::decode_job(body, runtimes());
}

// The sentence a body is refused with; empty if it is taken.
std::string refusal(const std::string& body) {
    try {
        decode(body);
    } catch (const sys::Error& error) {
        CHECK(error.kind() == sys::Kind::invalid);
        return error.what();
    }
    return "";
}

// A good request, but for what is added; a field given twice counts as given last.
std::string request(const std::string& fields) {
    return R"({"language":"python","version":"*","files":[{"content":"x"}])" +
           (fields.empty() ? "" : "," + fields) + "}";
}

std::string request_with_files(const std::string& files) {
    return request(R"("files":[)" + files + "]");
}

}  // namespace

TEST_CASE("a request without a required field is refused in Piston's order and words") {
    struct Row {
        std::string body;
        const char* message;
    };
    const Row rows[] = {
        {"", "language is required as a string"},
        {"[]", "language is required as a string"},
        {"{}", "language is required as a string"},
        {R"({"language":""})", "language is required as a string"},
        {R"({"language":5})", "language is required as a string"},
        {R"({"language":null})", "language is required as a string"},
        {R"({"language":["python"]})", "language is required as a string"},
        {R"({"language":"python"})", "version is required as a string"},
        {R"({"language":"python","version":3})", "version is required as a string"},
        {R"({"language":"python","version":"3"})", "files is required as an array"},
        {R"({"language":"x","version":"3","files":null})", "files is required as an array"},
        {R"({"language":"x","version":"3","files":{}})", "files is required as an array"},
        {R"({"language":"x","version":"3","files":"print"})", "files is required as an array"},
        {R"({"language":"x","version":"3","files":[{}]})",
         "files[0].content is required as a string"},
        {R"({"language":"x","version":"3","files":[{"content":"a"},{"content":1}]})",
         "files[1].content is required as a string"},
        {R"({"language":"x","version":"3","files":[5]})",
         "files[0].content is required as a string"},
        {R"({"language":"x","version":"3","files":[null]})", "files[0] is required as an object"},
        {R"({"language":"x","version":"3","files":[]})", "x-3 runtime is unknown"},
        {R"({"language":"python","version":"2.x","files":[]})", "python-2.x runtime is unknown"},
        {R"({"language":"python","version":"latest","files":[]})",
         "python-latest runtime is unknown"},
        {R"({"language":"py\u0000","version":"*","files":[]})", "py?-* runtime is unknown"},
        {R"({"language":"Python","version":"*","files":[]})", "Python-* runtime is unknown"},
        {R"({"language":"python","version":"*","files":[],"run_timeout":"x"})",
         "files must include at least one utf8 encoded file"},
        {R"({"language":"file","version":"*","files":[]})", "files must include at least one file"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.body);
        CHECK(refusal(row.body) == row.message);
    }
}

TEST_CASE("a file counts as the program's only if it is utf8") {
    struct Row {
        std::string files;
        bool taken;
    };
    const Row rows[] = {
        {R"({"content":"a"})", true},
        {R"({"content":"a","encoding":"utf8"})", true},
        {R"({"content":"a","encoding":null})", true},
        {R"({"content":"a","encoding":""})", true},
        {R"({"content":"a","encoding":0})", true},
        {R"({"content":"a","encoding":"base64"})", false},
        {R"({"content":"a","encoding":"hex"})", false},
        {R"({"content":"a","encoding":"UTF8"})", false},
        {R"({"content":"a","encoding":"latin1"})", false},
        {R"({"content":"a","encoding":5})", false},
        {R"({"content":"a","encoding":"base64"},{"content":"b"})", true},
    };
    for (const auto& row : rows) {
        CAPTURE(row.files);
        const auto message = refusal(request_with_files(row.files));
        CHECK(message == (row.taken ? "" : "files must include at least one utf8 encoded file"));
    }
    CHECK(refusal(R"({"language":"file","version":"*","files":[{"content":"a","encoding":"hex"}]})")
              .empty());
}

TEST_CASE("limits are checked in order, against the runtime's own, in Piston's words") {
    struct Row {
        const char* fields;
        const char* message;
    };
    const Row rows[] = {
        {R"("run_timeout":3000,"compile_timeout":10000,"run_memory_limit":268435456)", ""},
        {R"("run_timeout":3001)", "run_timeout cannot exceed the configured limit of 3000"},
        {R"("run_timeout":3000.5)", "run_timeout cannot exceed the configured limit of 3000"},
        {R"("run_timeout":1e300)", "run_timeout cannot exceed the configured limit of 3000"},
        {R"("run_cpu_time":4000)", "run_cpu_time cannot exceed the configured limit of 3000"},
        {R"("compile_timeout":10001)",
         "compile_timeout cannot exceed the configured limit of 10000"},
        {R"("compile_cpu_time":10001)",
         "compile_cpu_time cannot exceed the configured limit of 10000"},
        {R"("run_memory_limit":268435457)",
         "run_memory_limit cannot exceed the configured limit of 268435456"},
        {R"("compile_memory_limit":18446744073709551615)",
         "compile_memory_limit cannot exceed the configured limit of 536870912"},
        {R"("run_timeout":"5")", "If specified, run_timeout must be a number"},
        {R"("run_timeout":true)", "If specified, run_timeout must be a number"},
        {R"("run_timeout":[])", "If specified, run_timeout must be a number"},
        {R"("run_timeout":{})", "If specified, run_timeout must be a number"},
        {R"("run_timeout":-1)", "run_timeout must be non-negative"},
        {R"("compile_timeout":-0.5)", "compile_timeout must be non-negative"},
        {R"("run_cpu_time":-1)", "run_cpu_time must be non-negative"},
        {R"("compile_cpu_time":-1)", "compile_cpu_time must be non-negative"},
        {R"("run_memory_limit":-1,"compile_memory_limit":-1)", ""},
        {R"("run_timeout":0,"run_cpu_time":false,"run_memory_limit":null,"compile_timeout":"")",
         ""},
        {R"("run_cpu_time":"x","run_timeout":"x","compile_cpu_time":"x","compile_timeout":"x",
            "run_memory_limit":"x","compile_memory_limit":"x")",
         "If specified, compile_memory_limit must be a number"},
        {R"("run_cpu_time":"x","run_timeout":"x","compile_cpu_time":"x","compile_timeout":"x",
            "run_memory_limit":"x")",
         "If specified, run_memory_limit must be a number"},
        {R"("run_cpu_time":"x","run_timeout":"x","compile_cpu_time":"x","compile_timeout":"x")",
         "If specified, compile_timeout must be a number"},
        {R"("run_cpu_time":"x","run_timeout":"x","compile_cpu_time":"x")",
         "If specified, run_timeout must be a number"},
        {R"("run_cpu_time":"x","compile_cpu_time":"x")",
         "If specified, compile_cpu_time must be a number"},
        {R"("run_cpu_time":"x","stdin":5)", "If specified, run_cpu_time must be a number"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.fields);
        CHECK(refusal(request(row.fields)) == row.message);
    }
}

TEST_CASE("a limit asked for is the limit set, and nothing lifts one") {
    struct Row {
        const char* language;
        const char* asked;
        std::int64_t milliseconds;
    };
    const Row rows[] = {
        {"python", "1500", 1500},
        {"python", "1500.9", 1500},
        {"python", "0.25", 1},
        {"python", "0", 3000},
        {"python", "-0.0", 3000},
        {"python", "null", 3000},
        {"python", "false", 3000},
        {"python", "\"\"", 3000},
        {"python", "2e3", 2000},
        {"free", "5000000", 5000000},
        {"free", "0", config::unlimited_time.count()},
        {"free", "-1", config::unlimited_time.count()},
        {"free", "1e300", config::unlimited_time.count()},
    };
    for (const auto& row : rows) {
        CAPTURE(row.language);
        CAPTURE(row.asked);
        const auto job =
            decode(request(R"("language":")"s + row.language + R"(","run_timeout":)" + row.asked));
        CHECK(job.limits.run.wall_time.count() == row.milliseconds);
    }
    const auto job = decode(request(R"("compile_memory_limit":1000,"run_memory_limit":2000,
        "compile_timeout":3,"run_timeout":4,"compile_cpu_time":5,"run_cpu_time":6)"));
    CHECK(job.limits.compile.memory.count == 1000);
    CHECK(job.limits.run.memory.count == 2000);
    CHECK(job.limits.compile.wall_time.count() == 3);
    CHECK(job.limits.run.wall_time.count() == 4);
    CHECK(job.limits.compile.cpu_time.count() == 5);
    CHECK(job.limits.run.cpu_time.count() == 6);
    CHECK(job.limits.run.processes == job.runtime->limits.run.processes);
    CHECK(decode(request(R"("run_memory_limit":-1)")).limits == job.runtime->limits);
}

TEST_CASE("stdin ends in a newline") {
    struct Row {
        const char* field;
        const char* expected;
    };
    const Row rows[] = {
        {R"("args":[])", "\n"},          {R"("stdin":"")", "\n"},
        {R"("stdin":null)", "\n"},       {R"("stdin":0)", "\n"},
        {R"("stdin":"a")", "a\n"},       {R"("stdin":"a\n")", "a\n"},
        {R"("stdin":"a\n\n")", "a\n\n"}, {R"("stdin":"\r")", "\r\n"},
        {R"("stdin":"\u00e4")", "ä\n"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.field);
        CHECK(decode(request(row.field)).stdin_text == row.expected);
    }
    CHECK(decode(request(R"("stdin":"a\u0000b")")).stdin_text == "a\0b\n"s);
}

TEST_CASE("arguments that are no strings become what JavaScript makes of them") {
    const auto job = decode(request(
        R"("args":["a b","",5,-1.5,1e21,0.25,1.0,-0.0,true,false,null,{},[1,[2,null]],"\ud83d\ude00"])"));
    const std::vector<std::string> expected = {
        "a b", "",     "5",     "-1.5", "1e+21",           "0.25", "1",
        "0",   "true", "false", "null", "[object Object]", "1,2,", "😀"};
    CHECK(job.arguments == expected);
    for (const auto* none : {R"("args":null)", R"("args":"")", R"("args":0)", R"("args":[])"}) {
        CAPTURE(none);
        CHECK(decode(request(none)).arguments.empty());
    }
}

TEST_CASE("where Piston broke, the field is named") {
    const auto long_text = std::string(engine::max_argument_bytes + 1, 'a');
    std::string many_files = R"({"content":""})";
    for (std::size_t i = 0; i < engine::max_files; ++i) many_files += R"(,{"content":""})";
    std::string many_arguments = "\"\"";
    for (int i = 0; i < 9; ++i) many_arguments += ",\"" + long_text.substr(1) + '"';
    struct Row {
        std::string name;
        std::string body;
        const char* message;
    };
    const Row rows[] = {
        {"stdin a number", request(R"("stdin":5)"), "stdin must be a string"},
        {"stdin an array", request(R"("stdin":["a"])"), "stdin must be a string"},
        {"args a string", request(R"("args":"abc")"), "args must be an array"},
        {"args an object", request(R"("args":{})"), "args must be an array"},
        {"args a number", request(R"("args":7)"), "args must be an array"},
        {"a NUL", request(R"("args":["a","b\u0000c"])"), "args[1] contains a NUL byte"},
        {"a long argument", request(R"("args":[")" + long_text + "\"]"),
         "args[0] is longer than 131071 bytes"},
        {"many arguments", request(R"("args":[)" + many_arguments + "]"),
         "args are longer than 1048576 bytes together"},
        {"too many files", request_with_files(many_files), "files has more than 1024 elements"},
        {"a name that is none", request_with_files(R"({"name":5,"content":""})"),
         "files[0].name must be a string"},
        {"an escape", request_with_files(R"({"name":"../a","content":""})"),
         "File path \"../a\" tries to escape parent directory: ../a"},
        {"an escape from inside", request_with_files(R"({"name":"a/../../b","content":""})"),
         "File path \"../b\" tries to escape parent directory: ../b"},
        {"an absolute name", request_with_files(R"({"name":"/a","content":""})"),
         "File path \"/a\" is absolute; it must be relative to the job's directory"},
        {"a directory", request_with_files(R"({"name":"a/","content":""})"),
         "File path \"a/\" names a directory, not a file"},
        {"the directory itself", request_with_files(R"({"name":"a/..","content":""})"),
         "File path \".\" names a directory, not a file"},
        {"a NUL in a name", request_with_files(R"({"name":"a\u0000","content":""})"),
         "File path \"a?\" contains a NUL byte"},
        {"file and directory",
         request_with_files(
             R"({"name":"a/b","content":""},{"name":"a.c","content":""},{"name":"a","content":""})"),
         "File path \"a\" names both a file and a directory"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(refusal(row.body) == row.message);
    }
}

TEST_CASE("files get their names, contents and order") {
    using engine::File;
    struct Row {
        std::string name;
        const char* files;
        std::vector<File> expected;
    };
    const Row rows[] = {
        {"default names count from 0",
         R"({"content":"a"},{"name":"","content":"b"},{"name":null,"content":"c"})",
         {{"file0.code", "a"}, {"file1.code", "b"}, {"file2.code", "c"}}},
        {"directories", R"({"name":"src/a.py","content":"a"})", {{"src/a.py", "a"}}},
        {"names are normalised",
         R"({"name":"./src//x/../a.py","content":"a"})",
         {{"src/a.py", "a"}}},
        {"encodings",
         R"({"name":"d","content":"aGk=","encoding":"base64"},{"name":"h","content":"6869","encoding":"hex"},
            {"name":"u","content":"aGk=","encoding":"utf16"},{"name":"p","content":"p","encoding":"utf8"})",
         {{"d", "hi", false}, {"h", "hi", false}, {"u", "aGk="}, {"p", "p"}}},
        {"of two the last content counts",
         R"({"name":"a","content":"1"},{"name":"b","content":"2"},{"name":"./a","content":"3"})",
         {{"a", "3"}, {"b", "2"}}},
        {"data over code stays the main file",
         R"({"name":"a","content":"1"},{"name":"b","content":"2"},{"name":"a","content":"33","encoding":"hex"})",
         {{"a", "3"}, {"b", "2"}}},
        {"code over data comes where the code is",
         R"({"name":"a","content":"31","encoding":"hex"},{"name":"b","content":"2"},{"name":"a","content":"3"})",
         {{"b", "2"}, {"a", "3"}}},
        {"any byte", R"({"name":"a","content":"\u0000\u00e4\r\n"})", {{"a", "\0ä\r\n"s}}},
        {"a field twice", R"({"name":"a","content":"1","content":"2","name":"b"})", {{"b", "2"}}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(decode(request_with_files(row.files)).files == row.expected);
    }
    const auto job = decode(
        R"({"language":"file","version":"*","files":[{"content":"7f45","encoding":"hex"}]})");
    CHECK(job.files == std::vector<File>{{"file0.code", "\x7f\x45"}});
}

TEST_CASE("unknown fields are ignored and the last of a field given twice counts") {
    const auto job = decode(
        R"({"language":"x","log":{"a":[1,{"b":null}]},"language":"pyth","l\u0061nguage":"python",
            "version":"1","version":"*","files":[{"content":"x","mode":7}],"__proto__":{},"":0})");
    CHECK(job.runtime->version == "3.11.2");
    CHECK(job.id.empty());
    CHECK_FALSE(decode("\xEF\xBB\xBF" + request("")).files.empty());
}

TEST_CASE("a body that is no JSON is a syntax error with its place") {
    const auto nested = [](std::size_t depth) {
        return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
    };
    struct Row {
        std::string name;
        std::string body;
        const char* expected;
    };
    const Row rows[] = {
        {"cut off", R"({"language":)", "at line 1, column 13"},
        {"a comma too many", "{\n  \"a\": 1,\n}", "at line 3, column 1"},
        {"no value", R"({"a":x})", "at line 1, column 6"},
        {"text after it", "{} x", "at line 1, column 4"},
        {"blank", " ", "SyntaxError: "},
        {"a number", "5", "a request must be an object"},
        {"null", "null", "a request must be an object"},
        {"a string", "\"x\"", "a request must be an object"},
        {"bad UTF-8 outside a text", "{\"a\":\xff}", "at line 1"},
        {"a bare control character", "{\"a\":\"\n\"}", "control character"},
        {"too deep", nested(64), "too deep"},
        {"deeper than any stack", nested(1'000'000), "too deep"},
        {"a number too large", R"({"a":1e999})", "number"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        std::string message;
        try {
            decode(row.body);
        } catch (const wire::SyntaxError& error) {
            message = error.what();
        }
        CAPTURE(message);
        CHECK(message.starts_with("SyntaxError: "));
        CHECK(message.find(row.expected) != std::string::npos);
        CHECK(message.size() < 300);
    }
    CHECK(refusal(nested(63)) == "language is required as a string");
}

TEST_CASE("a text that was cut in the middle of a character is read with U+FFFD in its place") {
    const auto job = decode(request(R"("stdin":"cut \ud83d")"));
    CHECK(job.stdin_text == "cut \xef\xbf\xbd\n");
    const auto both = decode(request("\"stdin\":\"\xff\xed\xa0\x80 \\ud83d\""));
    const std::string r = "\xef\xbf\xbd";
    CHECK(both.stdin_text == r + r + r + r + " " + r + "\n");
}

TEST_CASE("no mutation of a request does worse than be refused") {
    const std::string seeds[] = {
        request(R"("args":["a",5,null,[1,{}]],"stdin":"\ud83d\ude00","run_timeout":1500.5)"),
        request_with_files(
            R"({"name":"a/./b","content":"aGk=","encoding":"base64"},{"name":"a/b","content":"x"},
                              {"content":"6869","encoding":"hex"})"),
        request(
            R"("compile_memory_limit":-1,"run_cpu_time":1e2,"language":"free","version":">=1 <2 || 3.x")"),
        "{\"language\":\"file\",\"version\":\"~0.0.1\",\"files\":[{\"content\":\"\\u0000\xc3\xa4\"}"
        "]}",
    };
    const std::string alphabet =
        "{}[]\",:\\/.-+eE0123456789abcdefnulltrues \n\xff\xc3\x80\0x*^~<>|"s;
    std::mt19937 random(20240917);  // a fixed seed: a failure can be repeated
    const auto below = [&](std::size_t end) { return random() % end; };
    std::size_t taken = 0;
    for (int round = 0; round < 10'000; ++round) {
        auto body = seeds[below(std::size(seeds))];
        for (auto changes = 1 + below(4); changes > 0 && !body.empty(); --changes) {
            const auto place = below(body.size());
            switch (below(4)) {
                case 0:
                    body[place] = alphabet[below(alphabet.size())];
                    break;
                case 1:
                    body.erase(place, 1 + below(8));
                    break;
                case 2:
                    body.insert(place, 1, alphabet[below(alphabet.size())]);
                    break;
                default:
                    body.insert(place, body.substr(below(body.size()), below(24)));
                    break;
            }
        }
        CAPTURE(body);
        try {
            const auto job = decode(body);
            ++taken;
            REQUIRE_FALSE(job.files.empty());
            for (const auto& file : job.files) engine::check_file_name(file.name);
            REQUIRE(job.stdin_text.ends_with('\n'));
        } catch (const sys::Error& error) {
            REQUIRE(error.kind() == sys::Kind::invalid);
        }
    }
    CHECK(taken > 100);  // or the mutations test nothing but the parser
}
