#include "engine/host_runtimes.h"

namespace engine {

std::shared_ptr<const Runtimes> runtimes_of(const std::vector<packages::Installed>& toolchains,
                                            const config::Settings& settings) {
    auto runtimes = std::make_shared<Runtimes>();
    for (const auto& [manifest, version, program] : toolchains) {
        auto limits = config::with_overrides(settings.limits, manifest.limits);
        if (const auto own = settings.limit_overrides.find(manifest.language);
            own != settings.limit_overrides.end()) {
            limits = config::with_overrides(limits, own->second);
        }
        runtimes->all.push_back(std::make_shared<const Runtime>(Runtime{
            .language = manifest.language,
            .version = version,
            .aliases = manifest.aliases,
            .package = {},
            .compile = manifest.compile,
            .run = manifest.run,
            .environment = manifest.environment,
            .limits = limits,
            .program = program,
        }));
    }
    return runtimes;
}

}  // namespace engine
