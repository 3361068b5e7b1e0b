#include "api/resources/openapi.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/http/message.h"
#include "api/resources/version.h"
#include "api/wire/request_fields.h"
#include "isolate/sys/error.h"

namespace resources {

namespace {

using Json = nlohmann::ordered_json;

// Where a schema is found from elsewhere in the document.
Json reference(std::string_view schema) {
    return {{"$ref", "#/components/schemas/" + std::string{schema}}};
}

Json text(const std::string& sentence) {
    return {{"type", "string"}, {"description", sentence}};
}

Json list_of(std::string_view schema) {
    return {{"type", "array"}, {"items", reference(schema)}};
}

// An object that always has all of these.
Json object_of(const Json& properties) {
    auto required = Json::array();
    for (const auto& [name, schema] : properties.items()) required.push_back(name);
    return {{"type", "object"}, {"required", required}, {"properties", properties}};
}

Json type_of(wire::FieldType type) {
    switch (type) {
        case wire::FieldType::text:
            return {{"type", "string"}};
        case wire::FieldType::number:
            return {{"type", "number"}};
        case wire::FieldType::texts:
            return {{"type", "array"}, {"items", {{"type", "string"}}}};
        case wire::FieldType::files:
            return list_of("File");
    }
    __builtin_unreachable();
}

Json field_schema(const wire::FieldDescription& field) {
    auto schema = type_of(field.type);
    std::string sentence{field.sentence};
    if (!field.unit.empty()) {
        sentence += " In " + std::string{field.unit} + ". " + std::string{wire::configured_limit};
        schema["x-unit"] = field.unit;
    }
    if (field.need == wire::FieldNeed::optional) schema["type"] = {schema["type"], "null"};
    if (!field.fallback.empty()) schema["default"] = Json::parse(field.fallback);
    schema["description"] = sentence;
    return schema;
}

Json request_schema(std::span<const wire::FieldDescription> fields) {
    auto required = Json::array();
    auto properties = Json::object();
    for (const auto& field : fields) {
        if (field.need == wire::FieldNeed::required) required.push_back(field.name);
        properties[std::string{field.name}] = field_schema(field);
    }
    return {{"type", "object"}, {"required", required}, {"properties", properties}};
}

Json or_null(const std::string& type, const std::string& sentence) {
    return {{"type", {type, "null"}}, {"description", sentence}};
}

// In the order in which wire/result.cpp writes them.
Json stage_schema() {
    auto status = or_null("string",
                          "How it ended: null well, RE with another code than 0, SG by a signal, "
                          "TO out of time, OL and EL with too much on stdout or stderr, XX through "
                          "the engine's own fault.");
    status["enum"] = {nullptr, "RE", "SG", "TO", "OL", "EL", "XX"};
    return object_of({
        {"signal", or_null("string", "Name of the signal that ended it, such as SIGKILL.")},
        {"stdout", text("What it wrote to its standard output.")},
        {"stderr", text("What it wrote to its standard error.")},
        {"code", or_null("integer", "Exit code; null if it was ended by a signal or a limit.")},
        {"output", text("Both, in the order in which they came.")},
        {"memory", or_null("integer", "The most memory it held, in bytes.")},
        {"message", or_null("string", "Why it ended, for people; null if it ended well.")},
        {"status", status},
        {"cpu_time", or_null("number", "Processor time, in milliseconds.")},
        {"wall_time", or_null("number", "Wall-clock time, in milliseconds.")},
    });
}

Json result_schema() {
    auto schema = object_of({
        {"run", reference("Stage")},
        {"language", text("Name of the language, where an alias was asked for as well.")},
        {"version", text("The exact version that was used.")},
    });
    auto compile = reference("Stage");
    compile["description"] =
        "Only for languages that are compiled. If it ended with another code than 0, nothing was "
        "run, and run repeats it.";
    schema["properties"]["compile"] = compile;
    return schema;
}

Json runtime_schema() {
    const Json strings{{"type", "array"}, {"items", {{"type", "string"}}}};
    auto schema = object_of(
        {{"language", text("Name.")}, {"version", text("Version.")}, {"aliases", strings}});
    schema["properties"]["runtime"] =
        text("Name of the package, where one brings several languages.");
    return schema;
}

Json error_schema() {
    auto schema = object_of({{"message", text("What was wrong, in a sentence.")}});
    schema["properties"]["stack"] = text("The same, where the body could not be read as JSON.");
    return schema;
}

Json job_schema() {
    auto schema = request_schema(wire::job_fields);
    const auto hello = Json{{"content", "print(input())"}};
    schema["examples"] = {{{"language", "python"},
                           {"version", "*"},
                           {"files", Json::array({hello})},
                           {"stdin", "Hello"}}};
    return schema;
}

Json package_request_schema() {
    auto schema = object_of({{"language", text("Name of the package.")},
                             {"version", text("A version or a range of versions.")}});
    schema["examples"] = {{{"language", "lua"}, {"version", "*"}}};
    return schema;
}

Json v1_result_schema() {
    const std::string both = "Of compiling and running together, in at most 65536 characters.";
    return object_of({{"ran", {{"type", "boolean"}, {"description", "Every stage ended well."}}},
                      {"language", text("Name of the language.")},
                      {"version", text("The exact version that was used.")},
                      {"output", text("Both streams. " + both)},
                      {"stdout", text(both)},
                      {"stderr", text(both)}});
}

Json v1_versions_schema() {
    const Json strings{{"type", "array"}, {"items", {{"type", "string"}}}};
    return {{"type", "array"},
            {"items", object_of({{"name", text("Name of a language.")},
                                 {"version", text("Version.")},
                                 {"aliases", strings}})}};
}

Json schemas() {
    return {
        {"Job", job_schema()},
        {"File", request_schema(wire::file_fields)},
        {"JobResult", result_schema()},
        {"Stage", stage_schema()},
        {"Runtimes", list_of("Runtime")},
        {"Runtime", runtime_schema()},
        {"PackageRequest", package_request_schema()},
        {"Packages", list_of("Offer")},
        {"Offer", object_of({{"language", text("Name of the package.")},
                             {"language_version", text("Version.")},
                             {"installed", {{"type", "boolean"}}}})},
        {"Package", object_of({{"language", text("Name of the package.")},
                               {"version", text("The exact version.")}})},
        {"Message", object_of({{"message", text("A sentence.")}})},
        {"Status", object_of({{"status", text("ok or ready.")}})},
        {"Version", object_of({{"name", text("crankcase")},
                               {"version", text("Version of this program.")},
                               {"piston", text("The version of Piston whose API this is.")}})},
        {"Document", {{"type", "object"}, {"description", "An OpenAPI document."}}},
        {"V1Job", request_schema(wire::v1_job_fields)},
        {"V1Result", v1_result_schema()},
        {"V1Versions", v1_versions_schema()},
        {"Error", error_schema()},
    };
}

Json content(const std::string& type, const Json& schema) {
    return {{type, {{"schema", schema}}}};
}

Json good_response(const Operation& operation) {
    if (operation.gives == web_socket) {
        return {{"101",
                 {{"description",
                   "From here on Piston's messages: init, data, signal from the client; runtime, "
                   "stage, data, exit, error to it."}}}};
    }
    auto good = operation.gives.empty() ? content("text/html", {{"type", "string"}})
                                        : content("application/json", reference(operation.gives));
    if (operation.gives == "JobResult") {
        good["text/event-stream"] = {
            {"schema",
             text("With Accept: text/event-stream, what happens is told while it happens: events "
                  "runtime, stage, stdout, stderr, exit, result (the JobResult), error.")}};
    }
    return {{"200", {{"description", "It worked."}, {"content", good}}}};
}

Json responses(const Operation& operation) {
    auto all = good_response(operation);
    for (const auto status : operation.fails) {
        if (status == 0) break;
        all[std::to_string(status)] = {
            {"description", std::string{http::reason(status)}},
            {"content", content("application/json", reference("Error"))}};
    }
    return all;
}

// "POST", "/api/v2/execute": post_api_v2_execute.
std::string id_of(const Operation& operation, const std::string& method) {
    auto id = method + std::string{operation.path};
    std::ranges::replace_if(
        id, [](char c) { return c == '/' || c == '.'; }, '_');
    return id;
}

Json operation_of(const Operation& operation, const std::string& method) {
    Json described{{"operationId", id_of(operation, method)}, {"summary", operation.summary}};
    if (!operation.takes.empty()) {
        described["requestBody"] = {
            {"required", true},
            {"content", content("application/json", reference(operation.takes))}};
    }
    described["responses"] = responses(operation);
    return described;
}

}  // namespace

std::string openapi_document(std::span<const Operation> operations) {
    const auto known = schemas();
    auto paths = Json::object();
    for (const auto& operation : operations) {
        for (const auto name : {operation.takes, operation.gives}) {
            if (!name.empty() && name != web_socket && !known.contains(name))
                throw sys::Error(sys::Kind::broken, "there is no schema " + std::string{name});
        }
        std::string method{operation.method};
        for (auto& letter : method) letter = static_cast<char>(letter | 0x20);
        paths[std::string{operation.path}][method] = operation_of(operation, method);
    }
    const Json document{
        {"openapi", "3.1.0"},
        {"info",
         {{"title", "Crankcase"},
          {"version", engine_version},
          {"description",
           "Runs code you do not trust and tells what came of it. A program that fails, runs out "
           "of time or does not compile is a good answer (200) that says so; errors are about the "
           "request or the engine."},
          {"license", {{"name", "MIT"}, {"identifier", "MIT"}}}}},
        {"servers", Json::array({{{"url", "/"}}})},
        {"paths", paths},
        {"components", {{"schemas", known}}},
    };
    return document.dump();
}

}  // namespace resources
