#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/http/route_table.h"

namespace {

http::Handler say(const std::string& text) {
    return [text](const std::shared_ptr<http::Exchange>& exchange) {
        exchange->answer({.content_type = "text/plain", .body = text});
    };
}

const http::Route table[] = {
    {"GET", "/", say("root")},
    {"GET", "/api/v2/runtimes", say("runtimes")},
    {"POST", "/api/v2/execute", say("execute")},
    {"POST", "/api/v1/piston/execute", say("execute")},
    {"GET", "/api/v2/packages", say("list")},
    {"POST", "/api/v2/packages", say("install")},
    {"DELETE", "/api/v2/packages", say("uninstall")},
};

http::Response ask(std::string method, std::string path, const std::string& content_type = {},
                   http::ContentTypes accepted = http::ContentTypes::json_only) {
    auto request = http::Request{};
    request.method = std::move(method);
    request.target = std::move(path);
    if (!content_type.empty()) request.fields.push_back({"content-type", content_type});
    auto answer = std::optional<http::Response>{};
    http::dispatch(
        table, accepted,
        std::make_shared<http::Exchange>(
            request, std::stop_token{},
            http::Exchange::Ways{.answer = [&](const http::Request&, http::Response response) {
                answer = std::move(response);
            }}));
    REQUIRE(answer);
    return *answer;
}

}  // namespace

TEST_CASE("a request finds its route as in Express") {
    struct Row {
        const char* method;
        const char* path;
        int status;
        const char* body;
    };
    const char* const nobody = R"({"message":"Not Found"})";
    const Row rows[] = {
        {"GET", "/", 200, "root"},
        {"HEAD", "/", 200, "root"},
        {"GET", "/api/v2/runtimes", 200, "runtimes"},
        {"GET", "/api/v2/runtimes/", 200, "runtimes"},
        {"GET", "/API/V2/Runtimes", 200, "runtimes"},
        {"GET", "/api/v2/runtimes//", 404, nobody},
        {"GET", "//api/v2/runtimes", 404, nobody},
        {"GET", "//", 404, nobody},
        {"GET", "/api/v2/runtimes/x", 404, nobody},
        {"GET", "", 404, nobody},
        {"POST", "/api/v2/execute", 200, "execute"},
        {"POST", "/api/v1/piston/execute", 200, "execute"},
        {"GET", "/api/v2/execute", 404, nobody},
        {"PUT", "/api/v2/execute", 404, nobody},
        {"POST", "/", 404, nobody},
        {"post", "/api/v2/execute", 404, nobody},
        {"DELETE", "/api/v2/packages", 200, "uninstall"},
        {"OPTIONS", "/api/v2/nothing", 404, nobody},
    };
    for (const auto& row : rows) {
        CAPTURE(row.method);
        CAPTURE(row.path);
        const auto answer = ask(row.method, row.path, "application/json");
        CHECK(answer.status == row.status);
        CHECK(answer.body == row.body);
    }
}

TEST_CASE("OPTIONS lists what a path offers in the order of the table") {
    struct Row {
        const char* path;
        const char* list;
    };
    const Row rows[] = {
        {"/api/v2/runtimes", "GET,HEAD"},
        {"/Api/v2/Execute/", "POST"},
        {"/api/v2/packages", "GET,HEAD,POST,DELETE"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.path);
        const auto answer = ask("OPTIONS", row.path);
        CHECK(answer.status == 200);
        CHECK(answer.body == row.list);
        CHECK(answer.fields == std::vector<http::Field>{{"Allow", row.list}});
    }
}

TEST_CASE("under /api/v2 requests must be JSON, and that comes before routing") {
    struct Row {
        std::string name;
        const char* method;
        const char* path;
        const char* type;
        int status;
    };
    const Row rows[] = {
        {"plain", "POST", "/api/v2/execute", "application/json", 200},
        {"with charset", "POST", "/api/v2/execute", "application/json; charset=utf-8", 200},
        {"in any case", "POST", "/api/v2/execute", "Application/JSON", 200},
        {"without type", "POST", "/api/v2/execute", "", 415},
        {"a form", "POST", "/api/v2/execute", "application/x-www-form-urlencoded", 415},
        {"an unknown path", "POST", "/API/v2/x", "", 415},
        {"an unknown path with type", "POST", "/api/v2/x", "application/json", 404},
        {"the prefix itself", "POST", "/api/v2", "", 415},
        {"another prefix", "POST", "/api/v2x", "", 404},
        {"the public API", "POST", "/api/v2/piston/x", "", 404},
        {"like the public API", "POST", "/api/v2/pistons", "", 415},
        {"elsewhere", "POST", "/api/v1/piston/execute", "", 200},
        {"GET", "GET", "/api/v2/runtimes", "", 200},
        {"HEAD", "HEAD", "/api/v2/runtimes", "", 200},
        {"OPTIONS", "OPTIONS", "/api/v2/execute", "", 200},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto answer = ask(row.method, row.path, row.type);
        CHECK(answer.status == row.status);
        if (row.status == 415)
            CHECK(answer.body == R"({"message":"requests must be of type application/json"})");
    }
    CHECK(ask("POST", "/api/v2/execute", "", http::ContentTypes::any).status == 200);
}

TEST_CASE("an exchange is answered once, and by itself if nobody does") {
    auto answers = std::vector<int>{};
    const auto note = [&](const http::Request&, const http::Response& response) {
        answers.push_back(response.status);
    };
    {
        auto exchange = http::Exchange({}, {}, {.answer = note});
        exchange.answer({.status = 200});
        exchange.answer({.status = 404});
    }
    CHECK(answers == std::vector{200});
    { const auto dropped = http::Exchange({}, {}, {.answer = note}); }
    CHECK(answers == std::vector{200, 500});
}
