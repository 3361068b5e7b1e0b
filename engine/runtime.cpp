#include "engine/runtime.h"

#include <algorithm>

#include "engine/pins.h"
#include "packages/version.h"

namespace engine {

bool Runtime::answers_to(std::string_view name) const {
    return language == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end();
}

std::shared_ptr<const Runtime> Runtimes::find(std::string_view language,
                                              std::string_view range) const {
    const auto wanted = packages::parse_range(range);
    if (!wanted) return {};
    std::shared_ptr<const Runtime> best;
    packages::Version best_version;
    for (const auto& runtime : all) {
        if (!runtime->answers_to(language)) continue;
        auto version = packages::parse_version(runtime->version);
        if (!version || !wanted->contains(*version)) continue;
        if (best && *version <= best_version) continue;
        best = runtime;
        best_version = std::move(*version);
    }
    const auto exact = best ? std::nullopt : packages::parse_version(range);
    const bool is_accepted =
        pins == config::Pins::any || (pins == config::Pins::known && is_known_pin(language, range));
    return exact && is_accepted ? nearest(all, language, *exact) : best;
}

}  // namespace engine
