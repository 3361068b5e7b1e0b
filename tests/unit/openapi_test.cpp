#include "api/resources/openapi.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "api/resources/routes.h"
#include "api/wire/request_fields.h"
#include "api/wire/result.h"
#include "isolate/sys/error.h"

namespace {

using Json = nlohmann::ordered_json;

const Json& document() {
    static const auto parsed = Json::parse(resources::openapi_document(resources::operations({})));
    return parsed;
}

const Json& schema(const std::string& name) {
    return document().at("components").at("schemas").at(name);
}

std::vector<std::string> keys_of(const Json& object) {
    std::vector<std::string> keys;
    for (const auto& [key, value] : object.items()) keys.push_back(key);
    return keys;
}

std::set<std::string> described() {
    std::set<std::string> all;
    for (const auto& [path, methods] : document().at("paths").items()) {
        for (const auto& [method, operation] : methods.items()) {
            std::string upper = method;
            for (auto& letter : upper) letter = static_cast<char>(letter & ~0x20);
            all.insert(upper + " " + path);
        }
    }
    return all;
}

// Every "$ref" in a value.
void collect_references(const Json& value, std::set<std::string>& to) {
    if (!value.is_structured()) return;
    for (const auto& [key, member] : value.items()) {
        if (value.is_object() && key == "$ref") to.insert(member.get<std::string>());
        collect_references(member, to);
    }
}

}  // namespace

TEST_CASE("every route is described, and nothing else is") {
    std::set<std::string> routes;
    for (const auto& one : resources::operations({}))
        routes.insert(std::string{one.method} + " " + std::string{one.path});
    CHECK(routes.contains("POST /api/v2/execute"));
    CHECK(routes.contains("GET /openapi.json"));
    CHECK(described() == routes);
}

TEST_CASE("every operation has a sentence, a good answer and a name of its own") {
    CHECK(document().at("openapi") == "3.1.0");
    std::set<std::string> names;
    for (const auto& [path, methods] : document().at("paths").items()) {
        for (const auto& [method, operation] : methods.items()) {
            const auto name = method + " " + path;
            CAPTURE(name);
            CHECK(operation.at("summary").get<std::string>().ends_with('.'));
            const auto& responses = operation.at("responses");
            CHECK((responses.contains("200") || responses.contains("101")));
            CHECK(names.insert(operation.at("operationId")).second);
        }
    }
}

TEST_CASE("what the document refers to is in it") {
    std::set<std::string> references;
    collect_references(document(), references);
    CHECK(references.size() > 5);
    for (const auto& reference : references) {
        CAPTURE(reference);
        CHECK(document().contains(Json::json_pointer{reference.substr(1)}));
    }
    const resources::Operation stray{"GET", "/stray", "Strays.", "", "Nothing", {}};
    CHECK_THROWS_AS(resources::openapi_document({&stray, 1}), sys::Error);
}

TEST_CASE("the fields of a request are described with type, default and unit") {
    std::vector<std::string> names;
    for (const auto& field : wire::job_fields) names.emplace_back(field.name);
    CHECK(keys_of(schema("Job").at("properties")) == names);
    CHECK(schema("Job").at("required") == Json{"language", "version", "files"});
    CHECK(schema("File").at("required") == Json::array({"content"}));

    const auto& fields = schema("Job").at("properties");
    CHECK(fields.at("language").at("type") == "string");
    CHECK(fields.at("stdin").at("type") == Json{"string", "null"});
    CHECK(fields.at("stdin").at("default") == "");
    CHECK(fields.at("args").at("default") == Json::array());
    CHECK(fields.at("run_timeout").at("x-unit") == "milliseconds");
    CHECK(fields.at("run_memory_limit").at("x-unit") == "bytes");
    CHECK_FALSE(fields.at("run_timeout").contains("default"));
    for (const auto& [key, field] : fields.items()) {
        const std::string name = key;
        CAPTURE(name);
        CHECK(field.at("description").get<std::string>().ends_with('.'));
    }
}

TEST_CASE("a stage is described with the keys that an answer has, in their order") {
    const auto answer = Json::parse(wire::encode(engine::StageResult{}));
    CHECK(keys_of(schema("Stage").at("properties")) == keys_of(answer));
    CHECK(schema("Stage").at("required") == Json(keys_of(answer)));
}

TEST_CASE("how a request may fail is described") {
    const auto& responses = document().at("paths").at("/api/v2/execute").at("post").at("responses");
    CHECK(keys_of(responses) ==
          std::vector<std::string>{"200", "400", "401", "403", "415", "429", "500"});
    const auto& error = responses.at("429").at("content").at("application/json").at("schema");
    CHECK(error.at("$ref") == "#/components/schemas/Error");
    CHECK(schema("Error").at("required") == Json::array({"message"}));
}
