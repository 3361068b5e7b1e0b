// A job that would compile what another has compiled gets what came of that, and its answer does
// not tell; a job that differs in anything a compiler can see does not. What is looked through and
// written down, without an engine: tests/unit/compile_{key,cache}_test.cpp.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "api/resources/key_ring.h"
#include "tests/support/engine_process.h"
#include "tests/support/exposition.h"
#include "tests/support/http_client.h"
#include "tests/support/ws_client.h"

using support::EngineProcess;
using support::Json;

namespace {

namespace fs = std::filesystem;

EngineProcess& engine() {
    static EngineProcess shared;
    return shared;
}

// Where keys are asked for.
const std::string watcher = "Authorization: Bearer watcher-key\r\n";

struct Counts {
    double hits, misses, stored, evicted, bytes;
    bool operator==(const Counts&) const = default;
};

Counts counts(const EngineProcess& of) {
    const auto told = support::parse_exposition(of.ask("GET", "/metrics", watcher).body);
    const std::string name = "crankcase_compile_cache_";
    return {told.value(name + "lookups_total{result=\"hit\"}"),
            told.value(name + "lookups_total{result=\"miss\"}"), told.value(name + "stored_total"),
            told.value(name + "evicted_total"), told.value(name + "bytes")};
}

// What one job does to them: "hit", "miss", "miss, stored", "" if its compile stage is not kept.
std::string effect(const EngineProcess& of, const Counts& before) {
    const auto after = counts(of);
    std::string text;
    if (after.hits > before.hits) text = "hit";
    if (after.misses > before.misses) text = "miss";
    if (after.stored > before.stored) text += ", stored";
    return text;
}

Json request(const std::string& language, const std::string& code, Json more = Json::object()) {
    Json body{{"language", language},
              {"version", "*"},
              {"files", {{{"name", "main"}, {"content", code}}}}};
    body.update(more);
    return body;
}

struct Came {
    std::string effect;
    Json answer;
};

Came run(const Json& body, const EngineProcess& of = engine()) {
    const auto before = counts(of);
    auto answer = of.post("/api/v2/execute", body.dump()).json();
    return {effect(of, before), std::move(answer)};
}

// What a client sees of it that the run stage may not differ in.
std::string seen(Json answer) {
    for (const auto* const word : {"cpu_time", "wall_time", "memory"})
        if (answer.contains("run")) answer["run"].erase(word);
    return answer.dump(1);
}

const std::string hello_c =
    "#include <stdio.h>\n"
    "int main(int argc, char** argv) { int c = getchar(); char* unused; printf(\"%d %d %s\\n\", "
    "argc, c,\n"
    "  argc > 1 ? argv[1] : \"-\"); return 3; }\n";

}  // namespace

TEST_CASE("the second of two equal jobs is not compiled, and its answer is that of the first") {
    for (const auto& code : {hello_c, std::string{"int main(void) { return missing; }\n"},
                             std::string{"#warning told\nint main(void) { return 0; }\n"}}) {
        CAPTURE(code);
        const auto body = request("c", code);
        const auto first = run(body);
        const auto second = run(body);
        CHECK(first.effect == "miss, stored");
        CHECK(second.effect == "hit");
        CHECK(seen(first.answer) == seen(second.answer));
        REQUIRE(second.answer.contains("compile"));
        CHECK(first.answer["compile"] == second.answer["compile"]);
    }
}

TEST_CASE("what a compiler cannot see makes no difference to it") {
    const auto code = hello_c + "// without difference\n";
    REQUIRE(run(request("c", code)).effect == "miss, stored");
    const auto other = run(request("c", code, {{"args", {"x"}}, {"stdin", "y"}}));
    CHECK(other.effect == "hit");
    CHECK(other.answer["run"]["stdout"] == "2 121 x\n");
    CHECK(run(request("c", code, {{"run_timeout", 1000}})).effect == "hit");
}

TEST_CASE("what a compiler can see does") {
    const auto code = hello_c + "// with a difference\n";
    REQUIRE(run(request("c", code)).effect == "miss, stored");
    const Json file{{"name", "main"}, {"content", code}};
    struct Row {
        const char* name;
        Json body;
    };
    const Row rows[] = {
        {"a byte", request("c", code + " ")},
        {"a name", request("c", code, {{"files", {{{"name", "main.c"}, {"content", code}}}}})},
        {"a file", request("c", code, {{"files", {file, {{"name", "a.h"}, {"content", ""}}}}})},
        {"a language", request("c++", code)},
        {"a limit", request("c", code, {{"compile_timeout", 5000}})},
        {"memory", request("c", code, {{"compile_memory_limit", 200'000'000}})},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(run(row.body).effect.starts_with("miss"));
    }
    CHECK(run(request("c", code)).effect == "hit");
}

TEST_CASE("what may come to something else another time is compiled every time") {
    const std::string codes[] = {
        "#include <stdio.h>\nint main(void) { puts(__TIME__); }\n",
        "#include <stdio.h>\nint main(void) { puts(__DATE__); }\n",
        "#include <stdio.h>\n#define C(a, b) a##b\nint main(void) { puts(C(__TIM, E__)); }\n",
        "#include <stdio.h>\nint main(void) { puts(__TI\\\nME__); }\n",
    };
    for (const auto& code : codes) {
        CAPTURE(code);
        for (int turn = 0; turn < 2; ++turn) {
            const auto came = run(request("c", code));
            CHECK(came.effect.empty());
            CHECK(came.answer["run"]["code"] == 0);
        }
    }
    CHECK(run(request("bash", "echo")).effect.empty());
}

TEST_CASE("a compile stage that a limit ended is not kept") {
    const auto long_one =
        request("c++", "#include <regex>\nint main() {}", {{"compile_timeout", 20}});
    const auto killed = run(long_one);
    CHECK(killed.effect == "miss");
    CHECK(killed.answer["compile"]["signal"] == "SIGKILL");
    CHECK(run(long_one).effect == "miss");
    // Not of the headers that are read ahead.
    const auto short_of_memory =
        request("c++", "#include <regex>\nint main() {}", {{"compile_memory_limit", 20'000'000}});
    CHECK(run(short_of_memory).effect == "miss");
    CHECK(run(short_of_memory).effect == "miss");
}

TEST_CASE("jobs of different keys share nothing, and jobs of one do") {
    const auto file =
        fs::temp_directory_path() / ("crankcase-cache-keys-" + std::to_string(::getpid()));
    {
        std::ofstream out{file};
        for (const std::string name : {"alice", "bob", "watcher"}) {
            config::Key key{.name = name, .digest = resources::digest_of_key(name + "-key")};
            if (name == "watcher") key.scopes = static_cast<std::uint8_t>(config::Scope::admin);
            out << config::line_of(key) << '\n';
        }
    }
    const EngineProcess keyed{{"keys.file=" + file.string(), "keys.required=no"}};
    const Json tests{{{"stdin", "1"}, {"expected_output", "1 49 -\n"}}};
    const auto asked = [&](const std::string& key, const Json& body) {
        const auto before = counts(keyed);
        const auto fields = key.empty() ? "" : "Authorization: Bearer " + key + "-key\r\n";
        CHECK(keyed.send("POST", "/api/v2/execute", body.dump(), fields).status == 200);
        return effect(keyed, before);
    };
    const auto body = request("c", hello_c);
    for (const std::string key : {"alice", "bob", ""}) {
        CAPTURE(key);
        CHECK(asked(key, body) == "miss, stored");
        CHECK(asked(key, body) == "hit");
    }
    // Neither does the checker of one judge for the other.
    const std::string accept = "#include <stdio.h>\nint main(void) { puts(\"ok\"); }\n";
    const auto graded = request(
        "c", hello_c,
        {{"tests", tests},
         {"checker",
          {{"language", "c"}, {"version", "*"}, {"files", Json::array({{{"content", accept}}})}}}});
    for (const std::string key : {"alice", "bob"}) {
        const auto before = counts(keyed);
        asked(key, graded);
        CHECK(counts(keyed).hits == before.hits + 1);
        CHECK(counts(keyed).stored == before.stored + 1);
    }
    fs::remove(file);
}

TEST_CASE("a kept file that was damaged is compiled anew, and what a restart finds is used") {
    EngineProcess own;
    const auto body = request("c", hello_c);
    const auto expected = run(body, own);
    REQUIRE(expected.effect == "miss, stored");
    const auto directory = own.data_directory() + "/compiled";
    for (const auto& entry : fs::directory_iterator{directory}) {
        std::fstream file{entry.path(), std::ios::binary | std::ios::in | std::ios::out};
        file.seekp(static_cast<std::streamoff>(fs::file_size(entry.path()) / 2));
        file << "damage";
    }
    const auto damaged = run(body, own);
    CHECK(damaged.effect == "miss, stored");
    CHECK(seen({{"run", damaged.answer["run"]}}) == seen({{"run", expected.answer["run"]}}));
    CHECK(run(body, own).effect == "hit");
    own.stop();
    own.start();
    CHECK(run(body, own).effect == "hit");
    // No box has a path to it.
    const auto look = own.run("bash", "ls -d " + directory + " " + own.data_directory());
    CHECK(look["run"]["stdout"] == "");
}

TEST_CASE("the cache keeps to its bound, and no answer depends on it") {
    const EngineProcess small{{"compile.cache=100KiB"}};
    for (int turn = 0; turn < 12; ++turn) {
        const auto number = std::to_string(turn);
        const auto code = "int main(void) { return " + number + "; }\n";
        CHECK(run(request("c", code), small).answer["run"]["code"] == turn);
        CHECK(counts(small).bytes <= 100 * 1024);
    }
    CHECK(counts(small).evicted > 0);
    const EngineProcess none{{"compile.cache=0"}};
    for (int turn = 0; turn < 2; ++turn) {
        const auto came = run(request("c", hello_c), none);
        CHECK(came.effect.empty());
        CHECK(came.answer["run"]["code"] == 3);
    }
    CHECK_FALSE(fs::exists(none.data_directory() + "/compiled"));
}

TEST_CASE("who is told of a job while it runs is told of a kept compile stage as of any") {
    const auto told = [] {
        support::WsClient client{engine().port()};
        client.send_json(
            {{"type", "init"},
             {"language", "c"},
             {"version", "*"},
             {"files", {{{"content", "#warning streamed\nint main(void) { return 7; }\n"}}}}});
        std::string text;
        for (auto& message : client.read_to_close()) {
            for (const auto* const word : {"cpu_time", "wall_time", "memory"}) message.erase(word);
            text += message.dump() + "\n";
        }
        return text;
    };
    const auto before = counts(engine());
    const auto first = told();
    const auto second = told();
    CHECK(counts(engine()).hits == before.hits + 1);
    CHECK(first.find("streamed") != std::string::npos);
    CHECK(second.find("streamed") != std::string::npos);
    CHECK(first.find("\"code\":7") != std::string::npos);
    CHECK(second.find("\"code\":7") != std::string::npos);
}

TEST_CASE("tests are run with a kept program as with one that was just compiled") {
    const Json tests{{{"stdin", "1"}, {"expected_output", "1 49 -\n"}},
                     {{"stdin", "2"}, {"expected_output", "1 50 -\n"}}};
    const auto code = "/* graded */" + hello_c;
    const auto body = request("c", code, {{"tests", tests}});
    const auto first = run(body);
    const auto second = run(body);
    CHECK(first.effect == "miss, stored");
    CHECK(second.effect == "hit");
    REQUIRE(second.answer.contains("tests"));
    for (std::size_t i = 0; i < tests.size(); ++i)
        CHECK(first.answer["tests"][i]["verdict"] == second.answer["tests"][i]["verdict"]);
    // And the other way: what was graded is there for whoever runs it.
    CHECK(run(request("c", code)).effect == "hit");
}
