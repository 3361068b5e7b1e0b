// libFuzzer: whatever a package's file holds, it is read or refused with a sentence.
#include "packages/package.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "isolate/sys/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        // Bytes as characters: the only view of them a parser of text can use.
        const auto package =
            packages::parse_package({reinterpret_cast<const char*>(data), size}, "fuzz.toml");
        if (!packages::is_package_name(package.name)) __builtin_trap();
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::invalid) __builtin_trap();
    }
    return 0;
}
