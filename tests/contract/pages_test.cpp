// The pages for people, as far as a client without a browser sees them; tests/pages has one.
#include <doctest/doctest.h>

#include <string>

#include "tests/support/engine_process.h"

using support::EngineProcess;

TEST_CASE("the pages and the description of the API are served") {
    const EngineProcess engine;
    const auto description = engine.get("/openapi.json");
    CHECK(description.status == 200);
    CHECK(description.json()["openapi"] == "3.1.0");
    for (const std::string path : {"/playground", "/docs", "/docs/"}) {
        CAPTURE(path);
        const auto answer = engine.get(path);
        CHECK(answer.status == 200);
        CHECK(answer.body.starts_with("<!doctype html>"));
    }
}

TEST_CASE("without server.pages there are no pages, and everything else is as it was") {
    const EngineProcess engine{
        {"server.pages=no", "pool.runners=1", "admission.concurrent_jobs=1"}};
    for (const std::string path : {"/playground", "/docs", "/openapi.json"}) {
        CAPTURE(path);
        const auto answer = engine.get(path);
        CHECK(answer.status == 404);
        CHECK(answer.json()["message"] == "Not Found");
    }
    CHECK(engine.get("/api/v2/runtimes").status == 200);
    CHECK(engine.run("bash", "echo hi")["run"]["stdout"] == "hi\n");
}
