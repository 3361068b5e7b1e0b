// libFuzzer: whatever a record holds, it is read, and then written and read the same again, or it
// is refused with a sentence. Records come from bundles, too.
#include "packages/record.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "isolate/sys/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        // Bytes as characters: the only view of them a parser of text can use.
        const auto record =
            packages::parse_record({reinterpret_cast<const char*>(data), size}, "fuzz.json");
        if (packages::parse_record(to_json(record), "again.json") != record) __builtin_trap();
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::invalid) __builtin_trap();
    }
    return 0;
}
