#include "api/cli/remote.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "api/cli/failure.h"
#include "isolate/sys/error.h"

namespace cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* path = "/api/v2/packages";

std::string text_of_key(const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_string())
        throw sys::Error(sys::Kind::broken,
                         std::string{"the engine's list of packages has no \""} + key + "\"");
    return found->get<std::string>();
}

std::string body_of(const packages::Request& request) {
    return Json{{"language", request.name}, {"version", request.range}}.dump(
        -1, ' ', false, Json::error_handler_t::replace);
}

Done done_of(const Answer& answer, const packages::Request& request) {
    throw_unless_good(answer);
    const auto json = Json::parse(answer.body, nullptr, false);
    if (!json.is_object()) return {.name = request.name, .version = request.range};
    return {.name = text_of_key(json, "language"), .version = text_of_key(json, "version")};
}

}  // namespace

std::vector<Listed> read_packages(const std::string& body) {
    const auto json = Json::parse(body, nullptr, false);
    if (!json.is_array())
        throw sys::Error(sys::Kind::broken, "the engine's list of packages is no list");
    std::vector<Listed> list;
    for (const auto& entry : json) {
        if (!entry.is_object())
            throw sys::Error(sys::Kind::broken, "the engine's list of packages holds no packages");
        const auto installed = entry.find("installed");
        list.push_back({.name = text_of_key(entry, "language"),
                        .version = text_of_key(entry, "language_version"),
                        .installed = installed != entry.end() && *installed == true,
                        .available = true});
    }
    complete(list);
    return list;
}

Remote::Remote(Rest rest, std::stop_token stop) : rest_(std::move(rest)), stop_(std::move(stop)) {}

std::vector<Listed> Remote::list() {
    const auto answer = rest_.get(path, stop_);
    throw_unless_good(answer);
    return read_packages(answer.body);
}

Done Remote::install(const packages::Request& request, const packages::ProgressSink& progress,
                     std::stop_token stop) {
    if (!request.libraries.empty())
        throw Failure(ExitCode::usage,
                      "--with works on this machine's packages only, not with --url");
    progress({.step = packages::Progress::Step::downloading,
              .package = request.name,
              .object = rest_.base()});
    return done_of(rest_.post(path, body_of(request), stop), request);
}

Done Remote::uninstall(const packages::Request& request, const packages::ProgressSink& progress,
                       std::stop_token stop) {
    progress({.step = packages::Progress::Step::removing,
              .package = request.name,
              .object = rest_.base()});
    return done_of(rest_.remove(path, body_of(request), stop), request);
}

}  // namespace cli
