#include "engine/package_runtimes.h"

#include <algorithm>

#include "isolate/sys/error.h"
#include "isolate/sys/log.h"
#include "packages/store.h"

namespace engine {

namespace {

constexpr const char* usual_path = "PATH=/usr/local/bin:/usr/bin:/bin";

std::vector<std::string> with_path(std::vector<std::string> environment) {
    const bool has_path = std::ranges::any_of(
        environment, [](const auto& variable) { return variable.starts_with("PATH="); });
    if (!has_path) environment.insert(environment.begin(), usual_path);
    return environment;
}

std::shared_ptr<const Runtime> runtime_of(
    const packages::Record& record, const packages::Provided& provided,
    const std::shared_ptr<const std::vector<std::string>>& layers,
    const config::Settings& settings) {
    auto limits = config::with_overrides(settings.limits, provided.limits);
    if (const auto own = settings.limit_overrides.find(provided.language);
        own != settings.limit_overrides.end()) {
        limits = config::with_overrides(limits, own->second);
    }
    return std::make_shared<const Runtime>(Runtime{
        .language = provided.language,
        .version = record.version,
        .aliases = provided.aliases,
        .package = record.provides.size() > 1 ? std::optional{record.name} : std::nullopt,
        .compile = provided.compile,
        .run = provided.run,
        .environment = with_path(provided.environment),
        .limits = limits,
        .layers = layers,
    });
}

bool is_finished(const packages::Record& record) {
    return record.pending_setup.empty() && record.pending_environment.empty();
}

}  // namespace

std::vector<std::shared_ptr<const Runtime>> runtimes_of(
    const std::vector<packages::Record>& records, const config::Settings& settings) {
    std::vector<std::shared_ptr<const Runtime>> runtimes;
    for (const auto& record : records) {
        if (record.provides.empty() || !is_finished(record)) continue;
        try {
            const auto layers = std::make_shared<const std::vector<std::string>>(
                packages::root_layers(records, record));
            for (const auto& provided : record.provides)
                runtimes.push_back(runtime_of(record, provided, layers, settings));
        } catch (const sys::Error& error) {
            sys::log(sys::Level::error, "package_unusable", {{"error", error.what()}});
        }
    }
    return runtimes;
}

std::shared_ptr<const Runtimes> merged(std::vector<std::shared_ptr<const Runtime>> packaged,
                                       const Runtimes& host, config::Pins pins) {
    auto runtimes = std::make_shared<Runtimes>();
    runtimes->pins = pins;
    runtimes->all = std::move(packaged);
    for (const auto& runtime : host.all) {
        const bool is_there = std::ranges::any_of(runtimes->all, [&](const auto& other) {
            return other->language == runtime->language && other->version == runtime->version;
        });
        if (!is_there) runtimes->all.push_back(runtime);
    }
    return runtimes;
}

}  // namespace engine
