#include "packages/piston.h"

#include <nlohmann/json.hpp>

#include "isolate/sys/error.h"

namespace packages {

namespace {

using Json = nlohmann::json;

std::vector<std::string> texts(const Json& json, const char* key) {
    if (!json.contains(key) || json.at(key).is_null()) return {};
    return json.at(key).get<std::vector<std::string>>();
}

Provided provided_by(const Json& json, const std::string& prefix, bool compiled) {
    Provided provided;
    provided.language = json.at("language");
    provided.aliases = texts(json, "aliases");
    provided.run.argv = {"/bin/bash", "/" + prefix + "/run", "{main}", "{args}"};
    if (compiled)
        provided.compile = Script{.argv = {"/bin/bash", "/" + prefix + "/compile", "{files}"}};
    if (json.contains("limit_overrides")) {
        for (const auto& [name, value] : json.at("limit_overrides").items()) {
            // Piston refuses unknown keys; a package from elsewhere is not worth an outage for one.
            if (config::is_limit_override(name)) provided.limits[name] = value;
        }
    }
    return provided;
}

}  // namespace

std::string piston_prefix(const std::string& name, const std::string& version) {
    return "piston/packages/" + name + "/" + version;
}

std::vector<Provided> piston_runtimes(std::string_view pkg_info, const std::string& prefix,
                                      bool compiled) try {
    const auto json = Json::parse(pkg_info);
    if (!json.contains("provides")) return {provided_by(json, prefix, compiled)};
    std::vector<Provided> runtimes;
    for (const auto& element : json.at("provides"))
        runtimes.push_back(provided_by(element, prefix, compiled));
    return runtimes;
} catch (const Json::exception& error) {
    throw sys::Error(sys::Kind::invalid, prefix + "/pkg-info.json: " + error.what());
}

std::string piston_environment_script(const std::string& prefix) {
    // The name is an index's and was checked (index.h); no shell sees anything else of it.
    return "#!/bin/bash\ncd '/" + prefix + "' || exit\n. ./environment >&2\nexec /usr/bin/env -0\n";
}

}  // namespace packages
