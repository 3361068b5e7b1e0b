// The paths of the public Piston (contract section 2.9), over HTTP. What is decided without a
// socket is in tests/unit: facade_limits_test.cpp and wire_facade_test.cpp.
#include <doctest/doctest.h>
#include <pwd.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/engine_process.h"

using support::EngineProcess;
using support::Json;

namespace {

EngineProcess& engine() {
    static EngineProcess shared(
        {"server.cors_origins=https://a.example", "server.trusted_proxies=127.0.0.1"});
    return shared;
}

std::string keys_of(const Json& object) {
    std::string keys;
    for (const auto& [key, value] : object.items()) keys += key + " ";
    return keys;
}

// Readable for the engine's user alone, or the engine refuses to serve.
void write_keys(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
    const auto* user = ::getpwnam("nobody");
    REQUIRE(user);
    REQUIRE(::chown(path.c_str(), user->pw_uid, user->pw_gid) == 0);
    std::filesystem::permissions(path, std::filesystem::perms{0600});
}

const std::string v2_job = R"({"language":"bash","version":"*","files":"echo hi"})";
const std::string v1_job = R"({"language":"bash","source":"echo hi"})";

}  // namespace

TEST_CASE("version 2 runs a job, in its own order of keys, for any page and any content type") {
    for (const std::string type :
         {"", "Content-Type: application/json\r\n", "Content-Type: text/plain;charset=UTF-8\r\n"}) {
        CAPTURE(type);
        const auto answer = engine().ask("POST", "/api/v2/piston/execute", type, v2_job);
        CHECK(answer.status == 200);
        CHECK(keys_of(answer.json()) == "language version run ");
        CHECK(answer.json()["run"]["stdout"] == "hi\n");
        CHECK(answer.field("Access-Control-Allow-Origin") == "*");
        CHECK(answer.field("Access-Control-Allow-Headers") == "*");
    }
    const auto compiled = engine().post(
        "/api/v2/piston/execute",
        R"({"language":"c","version":"*","files":"int main() { return 0; }","run_timeout":99999})");
    CHECK(keys_of(compiled.json()) == "language version run compile ");
}

TEST_CASE("an engine of the loopback lets foreign pages run nothing, unless it is told to") {
    const std::string page = "Origin: https://ide.example\r\n";
    for (const std::string path : {"/api/v2/piston/execute", "/api/v1/piston/execute"}) {
        CAPTURE(path);
        const auto& job = path.find("v2") == path.npos ? v1_job : v2_job;
        const auto refused = engine().ask("POST", path, page, job);
        CHECK(refused.status == 403);
        CHECK(refused.json()["message"] ==
              "pages of https://ide.example may not do this here (facade.cors_origins)");
        CHECK(refused.field("Access-Control-Allow-Origin") == "*");
        const auto own = "Origin: http://localhost\r\n";
        CHECK(engine().ask("POST", path, own, job).status == 200);
    }
    CHECK(engine().ask("GET", "/api/v2/piston/runtimes", page).status == 200);
    EngineProcess open({"facade.cors_origins=*"});
    CHECK(open.ask("POST", "/api/v2/piston/execute", page, v2_job).status == 200);
    CHECK(open.ask("POST", "/api/v2/execute", page, v2_job).status == 403);
}

TEST_CASE("the public paths answer what they are asked, and OPTIONS with nothing") {
    struct Row {
        std::string name, method, path, body;
        int status;
        std::string expected;
    };
    const Row rows[] = {
        {"OPTIONS", "OPTIONS", "/api/v2/piston/execute", "", 200, ""},
        {"OPTIONS of version 1", "OPTIONS", "/api/v1/piston/execute/", "", 200, ""},
        {"OPTIONS of what is not there", "OPTIONS", "/api/v2/piston/x", "", 404,
         R"({"message":"Not Found"})"},
        {"a mistake", "POST", "/api/v2/piston/execute", "{}", 400,
         R"({"message":"language is required as a string"})"},
        {"a mistake in version 1", "POST", "/api/v1/piston/execute", "{}", 400,
         R"({"message":"No language supplied"})"},
        {"no such language in version 1", "POST", "/api/v1/piston/execute",
         R"({"language":"x","source":"x"})", 400,
         R"({"message":"Supplied language is not supported by Piston"})"},
        {"the packages are not there", "GET", "/api/v2/piston/packages", "", 404,
         R"({"message":"Not Found"})"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto answer =
            engine().ask(row.method, row.path, "Content-Type: application/json\r\n", row.body);
        CHECK(answer.status == row.status);
        CHECK(answer.body == row.expected);
        CHECK(answer.field("Access-Control-Allow-Origin") == "*");
        CHECK(answer.field("Access-Control-Allow-Headers") == "*");
    }
    const auto runtimes = engine().ask("GET", "/api/v2/piston/runtimes", "");
    CHECK(runtimes.body == engine().get("/api/v2/runtimes").body);
    CHECK(runtimes.field("Access-Control-Allow-Origin") == "*");
}

TEST_CASE("version 1 lists versions and runs a job") {
    const auto versions = engine().get("/api/v1/piston/versions").json();
    REQUIRE(versions.size() > 0);
    CHECK(keys_of(versions[0]) == "name version aliases ");

    const auto answer = engine().ask("POST", "/api/v1/piston/execute", "", v1_job);
    CHECK(answer.status == 200);
    CHECK(keys_of(answer.json()) == "ran language version output stdout stderr ");
    CHECK(answer.json()["ran"] == true);
    CHECK(answer.json()["output"] == "hi\n");
    const auto failed = engine().post(
        "/api/v1/piston/execute",
        R"({"language":"bash","source":"printf '1\\r\\n'; echo $1 >&2; exit 2","args":["a"]})");
    CHECK(failed.json()["ran"] == false);
    CHECK(failed.json()["stdout"] == "1\n");
    CHECK(failed.json()["stderr"] == "a\n");
    const auto long_text =
        engine().post("/api/v1/piston/execute",
                      R"({"language":"bash","source":"head -c 70000 /dev/zero | tr '\\0' x"})");
    CHECK(long_text.json()["output"].get<std::string>().size() == 65536);
}

TEST_CASE("elsewhere only pages of the listed origins may read answers") {
    const auto ask = [](const std::string& method, const std::string& fields) {
        return engine().ask(method, "/api/v2/runtimes", fields);
    };
    const auto listed = ask("GET", "Origin: https://a.example\r\n");
    CHECK(listed.field("Access-Control-Allow-Origin") == "https://a.example");
    CHECK(listed.field("Vary") == "Origin");
    CHECK(ask("GET", "Origin: https://b.example\r\n").field("Access-Control-Allow-Origin").empty());
    CHECK(ask("GET", "").field("Access-Control-Allow-Origin").empty());

    const auto question =
        ask("OPTIONS", "Origin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n");
    CHECK(question.status == 204);
    CHECK(question.field("Access-Control-Allow-Methods") == "GET,HEAD");
    CHECK(question.field("Access-Control-Max-Age") == "600");
    CHECK(ask("OPTIONS", "Origin: https://a.example\r\n").body == "GET,HEAD");
}

TEST_CASE("without origins in the settings no page may read answers") {
    EngineProcess plain({"facade.cors_origins="});
    for (const std::string path : {"/api/v2/runtimes", "/api/v2/piston/runtimes"}) {
        CAPTURE(path);
        const auto answer = plain.ask("GET", path, "Origin: https://a.example\r\n");
        CHECK(answer.status == 200);
        CHECK(answer.head.find("Access-Control") == std::string::npos);
    }
}

TEST_CASE("a client that comes too often is told 429, another one and one with a key are not") {
    const std::string keys =
        std::filesystem::temp_directory_path() / ("crankcase-keys-" + std::to_string(::getpid()));
    write_keys(keys, "# known clients\nsecret-key\n");
    {
        EngineProcess limited({"server.trusted_proxies=127.0.0.1", "facade.rate_limit=1",
                               "facade.rate_window=1h", "facade.v1_rate_limit=2",
                               "facade.keys_file=" + keys});
        const auto v2 = [&](const std::string& fields) {
            return limited.ask("POST", "/api/v2/piston/execute", fields, v2_job);
        };
        CHECK(v2("").status == 200);
        const auto refused = v2("");
        CHECK(refused.status == 429);
        CHECK(refused.body == R"({"message":"Requests limited to 1 per 3600000ms"})");
        CHECK(std::stoi(refused.field("Retry-After")) > 0);
        CHECK(refused.field("Access-Control-Allow-Origin") == "*");
        CHECK(v2("X-Forwarded-For: 192.0.2.1\r\n").status == 200);
        CHECK(v2("X-Forwarded-For: 192.0.2.2, 192.0.2.1\r\n").status == 429);
        CHECK(v2("Authorization: secret-key\r\n").status == 200);
        CHECK(v2("Authorization: Bearer secret-key\r\n").status == 200);
        CHECK(v2("Authorization: other-key\r\n").status == 429);
        CHECK(limited.get("/api/v2/piston/runtimes").status == 200);
        CHECK(limited.post("/api/v2/execute", v2_job).status != 429);
        CHECK(limited.ask("POST", "/api/v1/piston/execute", "", v1_job).status == 200);
    }
    std::filesystem::remove(keys);
}

TEST_CASE("where keys are required, only jobs need one") {
    const std::string keys =
        std::filesystem::temp_directory_path() / ("crankcase-keys-" + std::to_string(::getpid()));
    write_keys(keys, "secret-key\n");
    {
        EngineProcess closed({"facade.keys_required=yes", "facade.keys_file=" + keys});
        const auto refused = closed.ask("POST", "/api/v2/piston/execute", "", v2_job);
        CHECK(refused.status == 401);
        CHECK(refused.json()["message"].is_string());
        CHECK(closed.ask("POST", "/api/v1/piston/execute", "", v1_job).status == 401);
        CHECK(closed.ask("POST", "/api/v2/piston/execute", "Authorization: secret-key\r\n", v2_job)
                  .status == 200);
        CHECK(closed.get("/api/v2/piston/runtimes").status == 200);
        CHECK(closed.get("/api/v1/piston/versions").status == 200);
    }
    std::filesystem::remove(keys);
}

TEST_CASE("clients that name no type are served if the settings read any") {
    EngineProcess lenient({"server.content_types=any"});
    const std::string job = R"({"language":"bash","version":"*","files":[{"content":"echo hi"}]})";
    for (const std::string type : {"", "Content-Type: text/plain\r\n"}) {
        CAPTURE(type);
        const auto answer = lenient.ask("POST", "/api/v2/execute", type, job);
        CHECK(answer.status == 200);
        CHECK(answer.json()["run"]["stdout"] == "hi\n");
    }
}

TEST_CASE("old clients post forms") {
    const auto answer = engine().ask(
        "POST", "/api/v2/piston/execute", "Content-Type: application/x-www-form-urlencoded\r\n",
        "language=bash&version=*&files=cat%3B+echo+%22%24%40%22&stdin=in%0A&args=a&args=b+c");
    CHECK(answer.status == 200);
    CHECK(answer.json()["run"]["stdout"] == "in\na b c\n");
}
