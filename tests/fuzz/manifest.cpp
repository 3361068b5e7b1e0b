// libFuzzer: whatever a manifest holds, it is read or refused with a sentence.
#include "packages/manifest.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "isolate/sys/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        // Bytes as characters: the only view of them a parser of text can use.
        static_cast<void>(
            packages::parse_manifest({reinterpret_cast<const char*>(data), size}, "fuzz.toml"));
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::invalid) __builtin_trap();
    }
    return 0;
}
