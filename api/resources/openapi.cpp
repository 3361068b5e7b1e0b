#include "api/resources/openapi.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "api/dialects/request_fields.h"
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
        case wire::FieldType::flag:
            return {{"type", "boolean"}};
        case wire::FieldType::tests:
            return list_of("Test");
        case wire::FieldType::comparison:
            return {{"anyOf", {{{"type", "string"}}, reference("Comparison")}}};
        case wire::FieldType::test_limits:
            return reference("TestLimits");
        case wire::FieldType::checker:
            return reference("Checker");
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
    if (field.need == wire::FieldNeed::optional && schema.contains("type"))
        schema["type"] = {schema["type"], "null"};
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
    schema["properties"]["tests"] = list_of("TestResult");
    schema["properties"]["score"] = reference("Score");
    auto checker = reference("Stage");
    checker["description"] = "Compiling the checker, if that failed.";
    schema["properties"]["checker"] = checker;
    return schema;
}

// What a request says of its checker: a program as the request itself has one.
Json checker_schema() {
    constexpr std::string_view own[] = {"tests", "stop_on_first_failure", "compare", "checker",
                                        "stdin"};
    auto schema = request_schema(wire::job_fields);
    for (const auto name : own) schema["properties"].erase(std::string{name});
    schema["description"] =
        "It is called with the names of three files in its directory, the test's input, the "
        "program's output and expected_output, and its own args behind them. Its exit code is "
        "testlib's: 0 accepted, 1 wrong, 2 badly presented, 3 its own fault, 7 with the points at "
        "the beginning of its standard error, of which the rest is the message.";
    return schema;
}

// In the order in which wire/grading.cpp writes them.
Json test_result_schema() {
    auto verdict = text("What the test came to.");
    verdict["enum"] = {"accepted",      "wrong_answer", "presentation_error", "partial",
                       "time_limit",    "memory_limit", "output_limit",       "runtime_error",
                       "checker_error", "not_run",      "internal_error"};
    const Json number{{"type", "number"}};
    auto difference = object_of(
        {{"line", {{"type", "integer"}, {"description", "Of the output, counted from 1."}}},
         {"expected", or_null("string", "What should stand there; null: nothing more.")},
         {"actual", or_null("string", "What does; null: the output has ended.")}});
    difference["type"] = {"object", "null"};
    const auto stage = stage_schema();
    const auto& of_stage = stage["properties"];
    return object_of({
        {"name", text("The test's name.")},
        {"verdict", verdict},
        {"points", number},
        {"out_of", number},
        {"stdout", of_stage["stdout"]},
        {"stderr", of_stage["stderr"]},
        {"truncated",
         {{"type", "boolean"}, {"description", "There was more output than is shown."}}},
        {"code", of_stage["code"]},
        {"signal", of_stage["signal"]},
        {"status", of_stage["status"]},
        {"message", or_null("string", "The checker's words, or why it ended as it did.")},
        {"cpu_time", of_stage["cpu_time"]},
        {"wall_time", of_stage["wall_time"]},
        {"memory", of_stage["memory"]},
        {"difference", difference},
    });
}

Json score_schema() {
    const Json number{{"type", "number"}};
    const Json count{{"type", "integer"}};
    return object_of({{"points", number}, {"out_of", number}, {"passed", count}, {"of", count}});
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

// In the order in which dialects/picobytes_reply.cpp writes them.
Json picobytes_result_schema() {
    const auto truth = [](const char* sentence) {
        return Json{{"type", "boolean"}, {"description", sentence}};
    };
    const auto seconds = [](const char* sentence) {
        return Json{{"type", "number"}, {"description", sentence}};
    };
    const auto list = [](const char* type, const char* sentence) {
        return Json{{"type", "array"}, {"items", {{"type", type}}}, {"description", sentence}};
    };
    auto result = object_of({
        {"build", truth("The lists of functions are satisfied.")},
        {"compile", truth("The compiler succeeded.")},
        {"run", truth("The program ended well, and every assertion held.")},
        {"output", text("What it printed, with a line for each assertion; or why it was not run.")},
        {"compilation_time", seconds("In seconds; -1: not reached.")},
        {"run_time", seconds("In seconds; -1: not reached.")},
        {"valgrind", text("Memcheck's report from HEAP SUMMARY: on.")},
        {"formatted_response",
         list("array", "Line of the code and message, of each error and warning.")},
        {"failed_tests", list("integer", "Numbers of the assertions that failed, from 1.")},
    });
    const auto timeout =
        object_of({{"error", text("Total Timeout exceeded: the time for everything was over.")}});
    return {{"anyOf", {result, timeout}}};
}

Json v1_versions_schema() {
    const Json strings{{"type", "array"}, {"items", {{"type", "string"}}}};
    return {{"type", "array"},
            {"items", object_of({{"name", text("Name of a language.")},
                                 {"version", text("Version.")},
                                 {"aliases", strings}})}};
}

Json integer(const std::string& sentence) {
    return {{"type", "integer"}, {"description", sentence}};
}

Json boolean(const std::string& sentence) {
    return {{"type", "boolean"}, {"description", sentence}};
}

Json mini_result_schema() {
    const auto run = object_of({
        {"stdout", text("What it wrote to its standard output.")},
        {"stderr", text("What it wrote to its standard error.")},
        {"output", text("Both, in the order in which they came.")},
        {"code", or_null("integer", "Exit code; null if it was ended by a signal or a limit.")},
        {"signal", or_null("string", "Name of the signal that ended it, such as SIGKILL.")},
    });
    return object_of({{"language", text("Name of the language.")}, {"run", run}});
}

Json base64_result_schema() {
    return object_of({
        {"status", text("success if the program exited with 0, else failed.")},
        {"stdout", text("What it wrote to its standard output.")},
        {"stderr", text("What it, or the compiler that refused it, wrote to its standard error; "
                        "before that, why it was killed.")},
        {"execution_time", {{"type", "number"}, {"description", "Seconds, compiling included."}}},
        {"exit_code", or_null("integer", "124: out of time; 137: killed; 1: not compiled.")},
    });
}

Json executor_result_schema() {
    return object_of({
        {"stdout", text("What the program wrote to its standard output.")},
        {"stderr", text("What it, or the compiler that refused it, wrote to its standard error.")},
        {"exit_code", integer("124: out of time; 137: killed; 128 + n: ended by signal n.")},
        {"timeout", boolean("It ran out of time.")},
        {"memory_exceeded", boolean("It ran out of memory.")},
        {"execution_time_ms", integer("Milliseconds, compiling included.")},
        {"memory_used_mb", integer("The most memory it held, in MiB.")},
    });
}

Json schemas() {
    return {
        {"Job", job_schema()},
        {"File", request_schema(wire::file_fields)},
        {"Test", request_schema(wire::test_fields)},
        {"Comparison", request_schema(wire::comparison_fields)},
        {"TestLimits", request_schema(wire::test_limit_fields)},
        {"Checker", checker_schema()},
        {"TestResult", test_result_schema()},
        {"Score", score_schema()},
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
        {"MiniJob", request_schema(dialects::mini_fields)},
        {"MiniResult", mini_result_schema()},
        {"PicobytesJob", request_schema(dialects::picobytes_fields)},
        {"PicobytesResult", picobytes_result_schema()},
        {"Base64Job", request_schema(dialects::base64_fields)},
        {"Base64Result", base64_result_schema()},
        {"Detail", object_of({{"detail",
                               {{"description",
                                 "What was wrong: a sentence, or with 422 a list of fields."}}}})},
        {"ExecutorJob", request_schema(dialects::executor_fields)},
        {"ExecutorResult", executor_result_schema()},
        {"ExecutorError", object_of({{"error", text("What was wrong, in a sentence.")}})},
        {"Health",
         object_of({{"status", text("healthy")}, {"version", text("Version of this program.")}})},
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
                  "runtime, stage, stdout, stderr, exit, test (a TestResult), result (the "
                  "JobResult), error.")}};
    }
    return {{"200", {{"description", "It worked."}, {"content", good}}}};
}

Json responses(const Operation& operation) {
    auto all = good_response(operation);
    for (const auto status : operation.fails) {
        if (status == 0) break;
        all[std::to_string(status)] = {
            {"description", std::string{http::reason(status)}},
            {"content", content("application/json", reference(operation.error))}};
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
        for (const auto name : {operation.takes, operation.gives, operation.error}) {
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
