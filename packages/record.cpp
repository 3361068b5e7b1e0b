#include "packages/record.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>

#include "isolate/protocol.h"
#include "isolate/sys/error.h"
#include "packages/version.h"

namespace packages {

namespace {

using Json = nlohmann::ordered_json;

constexpr int format = 1;

// A whole number as it stands there. The library would convert 1e30 as well, and what a number
// becomes that does not fit is undefined.
template <typename Number>
Number number_from(const Json& json) {
    const bool whole = std::is_signed_v<Number>
                           ? json.is_number_integer() &&
                                 !(json.is_number_unsigned() &&
                                   json.get<std::uint64_t>() > std::numeric_limits<Number>::max())
                           : json.is_number_unsigned();
    if (!whole) throw sys::Error(sys::Kind::invalid, json.dump() + " is not a number that fits");
    return json.get<Number>();
}

Json to_value(const Layer& layer) {
    return {{"name", layer.name}, {"digest", layer.digest}, {"bytes", layer.bytes}};
}

Layer layer_from(const Json& json) {
    Layer layer{json.at("name"), json.at("digest"), number_from<std::uint64_t>(json.at("bytes"))};
    // It becomes part of paths and of the options of a mount.
    if (!isolate::is_layer_name(layer.name))
        throw sys::Error(sys::Kind::invalid, "\"" + layer.name + "\" is not a layer's name");
    return layer;
}

Json to_value(const Part& part) {
    return {{"name", part.name}, {"version", part.version}, {"digest", part.digest}};
}

Part part_from(const Json& json) {
    return {json.at("name"), json.at("version"), json.at("digest")};
}

constexpr std::pair<Warm::Kind, const char*> warm_kinds[] = {
    {Warm::Kind::none, "none"}, {Warm::Kind::gate, "gate"}, {Warm::Kind::zygote, "zygote"}};

Json to_value(const Warm& warm) {
    const auto* const kind =
        std::ranges::find(warm_kinds, warm.kind, [](auto& row) { return row.first; });
    return {{"kind", kind->second},
            {"prime", warm.prime},
            {"primed_by", warm.primed_by},
            {"max_age", warm.max_age.count()},
            {"private", warm.memory.count}};
}

Warm warm_from(const Json& json) {
    const auto name = json.at("kind").get<std::string>();
    const auto* const kind =
        std::ranges::find_if(warm_kinds, [&](auto& row) { return row.second == name; });
    if (kind == std::end(warm_kinds))
        throw sys::Error(sys::Kind::invalid, "\"" + name + "\" is no way to start ahead");
    constexpr std::int64_t longest_age = 3600;
    const auto age = number_from<std::int64_t>(json.at("max_age"));
    if (age < 0 || age > longest_age)
        throw sys::Error(sys::Kind::invalid, std::to_string(age) + " s is no age of a program");
    return {.kind = kind->first,
            .prime = json.at("prime"),
            .primed_by = json.at("primed_by"),
            .max_age = std::chrono::seconds{age},
            .memory = {number_from<std::uint64_t>(json.at("private"))}};
}

Json to_value(const Script& script) {
    Json json{{"argv", script.argv}, {"text", script.text}};
    if (script.warm != Warm{}) json["warm"] = to_value(script.warm);
    if (script.cache_unless) json["cache_unless"] = *script.cache_unless;
    return json;
}

Script script_from(const Json& json) {
    // Records of packages that were installed before there was any have none.
    const bool is_warm = json.contains("warm") && json["warm"].is_object();
    Script script{.argv = json.at("argv"),
                  .text = json.at("text"),
                  .warm = is_warm ? warm_from(json["warm"]) : Warm{}};
    if (json.contains("cache_unless"))
        script.cache_unless = json.at("cache_unless").get<std::vector<std::string>>();
    return script;
}

Json to_value(const SelfTest::File& file) {
    return {{"name", file.name}, {"content", file.content}};
}

SelfTest::File file_from(const Json& json) {
    return {json.at("name"), json.at("content")};
}

Json to_value(const SelfTest& test);
Json to_value(const Provided& provided);
Json to_value(const AddedLibraries& added);

template <typename Value>
Json list_of(const std::vector<Value>& values) {
    auto list = Json::array();
    for (const auto& value : values) list.push_back(to_value(value));
    return list;
}

template <typename Read>
auto list_from(const Json& json, Read read) {
    std::vector<decltype(read(json))> values;
    for (const auto& element : json) values.push_back(read(element));
    return values;
}

Json to_value(const SelfTest& test) {
    return {{"name", test.name}, {"files", list_of(test.files)}};
}

SelfTest test_from(const Json& json) {
    return {json.at("name"), list_from(json.at("files"), file_from)};
}

Json to_value(const Provided& provided) {
    return {
        {"language", provided.language},
        {"aliases", provided.aliases},
        {"compile", provided.compile ? to_value(*provided.compile) : Json{}},
        {"run", to_value(provided.run)},
        {"environment", provided.environment},
        {"limits", provided.limits},
        {"tests", list_of(provided.tests)},
        {"untested", provided.untested},
    };
}

Provided provided_from(const Json& json) {
    Provided provided;
    provided.language = json.at("language");
    provided.aliases = json.at("aliases").get<std::vector<std::string>>();
    if (!json.at("compile").is_null()) provided.compile = script_from(json.at("compile"));
    provided.run = script_from(json.at("run"));
    provided.environment = json.at("environment").get<std::vector<std::string>>();
    for (const auto& [name, value] : json.at("limits").items())
        provided.limits[name] = number_from<std::int64_t>(value);
    provided.tests = list_from(json.at("tests"), test_from);
    for (const auto& [name, why] : json.at("untested").items()) provided.untested[name] = why;
    return provided;
}

Json to_value(const AddedLibraries& added) {
    return {
        {"names", added.names}, {"parts", list_of(added.parts)}, {"layer", to_value(added.layer)}};
}

AddedLibraries added_from(const Json& json) {
    return {json.at("names"), list_from(json.at("parts"), part_from), layer_from(json.at("layer"))};
}

Json to_value(const Libraries& libraries) {
    return {{"kind", static_cast<int>(libraries.kind)},
            {"pattern", libraries.pattern},
            {"into", libraries.into},
            {"setup", libraries.setup}};
}

Libraries libraries_from(const Json& json) {
    const auto kind = number_from<std::int64_t>(json.at("kind"));
    if (kind < 0 || kind > static_cast<int>(Source::Kind::url))
        throw sys::Error(sys::Kind::invalid, std::to_string(kind) + " is no kind of libraries");
    return {static_cast<Source::Kind>(kind), json.at("pattern"), json.at("into"), json.at("setup")};
}

Record record_from(const Json& json) {
    Record record;
    record.name = json.at("name");
    record.version = json.at("version");
    record.summary = json.at("summary");
    record.source = json.at("source");
    record.asked_for = json.at("asked_for");
    record.depends = json.at("depends").get<std::vector<std::string>>();
    record.layers = list_from(json.at("layers"), layer_from);
    record.parts = list_from(json.at("parts"), part_from);
    record.libraries = list_from(json.at("libraries"), added_from);
    if (!json.at("library_source").is_null())
        record.library_source = libraries_from(json.at("library_source"));
    record.dpkg_status = json.at("dpkg_status");
    record.provides = list_from(json.at("provides"), provided_from);
    record.pending_setup = json.at("pending_setup");
    record.stale_setup = json.at("stale_setup");
    record.pending_environment = json.at("pending_environment");
    record.trouble = json.at("trouble");
    record.installed_at = number_from<std::int64_t>(json.at("installed_at"));
    return record;
}

}  // namespace

std::uint64_t Record::bytes() const {
    std::uint64_t sum = 0;
    for (const auto& layer : layers) sum += layer.bytes;
    for (const auto& added : libraries) sum += added.layer.bytes;
    return sum;
}

std::string to_json(const Record& record) {
    const Json json = {
        {"format", format},
        {"name", record.name},
        {"version", record.version},
        {"summary", record.summary},
        {"source", record.source},
        {"asked_for", record.asked_for},
        {"depends", record.depends},
        {"layers", list_of(record.layers)},
        {"parts", list_of(record.parts)},
        {"libraries", list_of(record.libraries)},
        {"library_source", record.library_source ? to_value(*record.library_source) : Json{}},
        {"provides", list_of(record.provides)},
        {"pending_setup", record.pending_setup},
        {"stale_setup", record.stale_setup},
        {"pending_environment", record.pending_environment},
        {"trouble", record.trouble},
        {"installed_at", record.installed_at},
        {"dpkg_status", record.dpkg_status},
    };
    return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Record parse_record(std::string_view text, const std::string& file) try {
    const auto json = Json::parse(text);
    if (json.at("format") != format) {
        throw sys::Error(sys::Kind::invalid, file + ": a record of another version of the engine");
    }
    auto record = record_from(json);
    if (!is_package_name(record.name) || !parse_version(record.version)) {
        throw sys::Error(sys::Kind::invalid, file + ": not a package's name and version");
    }
    return record;
} catch (const Json::exception& error) {
    throw sys::Error(sys::Kind::invalid, file + ": " + error.what());
}

}  // namespace packages
