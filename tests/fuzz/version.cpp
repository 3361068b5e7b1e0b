// libFuzzer: whatever is written where a version is asked for, it is a range or none.
#include "packages/version.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Bytes as characters: the only view of them a parser of text can use.
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    const auto version = packages::parse_version(text);
    const auto range = packages::parse_range(text);
    // An exact version is a range that contains it.
    if (version && range && size <= packages::max_range_length && !range->contains(*version))
        __builtin_trap();
    return 0;
}
