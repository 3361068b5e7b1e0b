// Coverage-guided fuzzing of what compares outputs: two texts and an expression of strangers.
#include "engine/compare.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "isolate/sys/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using engine::CompareMode;
    // The same bytes as text; char may alias anything. The first NUL parts it.
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto end = text.find('\0');
    const auto actual = text.substr(0, end);
    const auto expected = end == text.npos ? text : text.substr(end + 1);
    for (const auto mode : {CompareMode::exact, CompareMode::trimmed, CompareMode::tokens,
                            CompareMode::floats, CompareMode::lines}) {
        if (engine::difference(actual, actual, {.mode = mode})) std::abort();
        const auto found = engine::difference(actual, expected, {.mode = mode});
        if (found && found->line == 0) std::abort();
    }
    try {
        const engine::Pattern pattern{expected};
        static_cast<void>(pattern.match(actual));
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::invalid) std::abort();
    }
    return 0;
}
