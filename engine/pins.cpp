#include "engine/pins.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace engine {

namespace {

struct Pin {
    std::string_view language, version;
};

// Under each name that clients use with it: what they hard-code is both.
constexpr std::array pins{
    Pin{"javascript", "18.15.0"}, Pin{"javascript", "16.3.0"}, Pin{"javascript", "15.10.0"},
    Pin{"javascript", "20.11.1"}, Pin{"js", "18.15.0"},        Pin{"node", "18.15.0"},
    Pin{"typescript", "5.0.3"},   Pin{"typescript", "4.2.3"},  Pin{"ts", "5.0.3"},
    Pin{"python", "3.10.0"},      Pin{"python", "3.9.4"},      Pin{"python", "3.9.1"},
    Pin{"python", "3.11.0"},      Pin{"python", "3.12.0"},     Pin{"py", "3.10.0"},
    Pin{"python3", "3.10.0"},     Pin{"java", "15.0.2"},       Pin{"csharp", "6.12.0"},
    Pin{"php", "8.2.3"},          Pin{"php", "8.2.0"},         Pin{"c", "10.2.0"},
    Pin{"c++", "10.2.0"},         Pin{"cpp", "10.2.0"},        Pin{"cpp", "11.2.0"},
    Pin{"go", "1.16.2"},          Pin{"go", "1.18.0"},         Pin{"rust", "1.68.2"},
    Pin{"rust", "1.65.0"},        Pin{"kotlin", "1.8.20"},     Pin{"ruby", "3.0.1"},
    Pin{"swift", "5.3.3"},        Pin{"bash", "5.2.0"},        Pin{"bash", "5.1.0"},
    Pin{"perl", "5.36.0"},        Pin{"lua", "5.4.4"},         Pin{"lua", "5.4.2"},
    Pin{"scala", "3.2.2"},        Pin{"haskell", "9.0.1"},     Pin{"dart", "2.19.6"},
    Pin{"elixir", "1.11.3"},      Pin{"rscript", "4.1.1"},     Pin{"julia", "1.8.5"},
    Pin{"sqlite3", "3.36.0"},     Pin{"d", "10.2.0"},          Pin{"fortran", "10.2.0"},
};

// Smaller is nearer. Of newer ones the oldest is nearest, of older ones the newest.
struct Distance {
    bool other_major = false;
    bool older = false;
    packages::Version version;
};

bool is_nearer(const Distance& left, const Distance& right) {
    const auto left_kind = std::tie(left.other_major, left.older);
    const auto right_kind = std::tie(right.other_major, right.older);
    if (left_kind != right_kind) return left_kind < right_kind;
    return left.older ? right.version < left.version : left.version < right.version;
}

}  // namespace

bool is_known_pin(std::string_view language, std::string_view version) {
    return std::ranges::any_of(
        pins, [&](const Pin& pin) { return pin.language == language && pin.version == version; });
}

std::shared_ptr<const Runtime> nearest(const std::vector<std::shared_ptr<const Runtime>>& runtimes,
                                       std::string_view language, const packages::Version& wanted) {
    std::shared_ptr<const Runtime> best;
    Distance least;
    for (const auto& runtime : runtimes) {
        if (!runtime->answers_to(language)) continue;
        const auto version = packages::parse_version(runtime->version);
        if (!version) continue;
        const Distance distance{version->major != wanted.major, *version < wanted, *version};
        if (best && !is_nearer(distance, least)) continue;
        best = runtime;
        least = distance;
    }
    return best;
}

}  // namespace engine
