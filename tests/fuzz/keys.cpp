// Coverage-guided fuzzing of the file of API keys: whatever the bytes, they are read or refused
// with a line, what was read is written as it was, and taking a key out leaves none of its name.
#include "config/keys.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/settings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The same bytes as text; char may alias anything.
    const std::string text(reinterpret_cast<const char*>(data), size);
    std::vector<config::Key> keys;
    try {
        keys = config::parse_keys(text);
    } catch (const config::SettingsError&) {
        return 0;
    }
    for (const auto& key : keys) {
        if (config::parse_keys(config::line_of(key)) != std::vector{key}) std::abort();
        const auto rest = config::parse_keys(config::without_key(text, key.name));
        if (rest.size() + 1 != keys.size()) std::abort();
    }
    return 0;
}
