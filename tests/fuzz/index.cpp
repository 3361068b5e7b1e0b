// libFuzzer: whatever an index of packages holds, each line becomes an entry whose name and version
// may be part of a path, or is reported.
#include "packages/index.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "isolate/sys/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        // The same bytes as text; char may alias anything.
        const auto index = packages::parse_index({reinterpret_cast<const char*>(data), size});
        for (const auto& entry : index.entries) {
            const bool fine = entry.package.find_first_of("/ \n") == std::string::npos &&
                              !entry.package.starts_with('.') &&
                              packages::parse_version(entry.version) &&
                              entry.version.find_first_of("/ \n") == std::string::npos;
            if (!fine) std::abort();
        }
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::invalid) std::abort();
    }
    return 0;
}
