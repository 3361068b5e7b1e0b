// libFuzzer: whatever answers the wish for a WebSocket, it is read or refused, and never reaches
// behind its own end.
// Build: clang++ -std=c++20 -fsanitize=fuzzer,address,undefined -I., with api/cli/run/upgrade.cpp,
// api/cli/{failure,text}.cpp, isolate/sys/*.cpp, packages/digest.cpp and -lcrypto.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "api/cli/run/upgrade.h"
#include "isolate/sys/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // SAFETY: any byte may be read as a char.
    const auto text = std::string_view(reinterpret_cast<const char*>(data), size);
    try {
        const auto answer = cli::read_upgrade(text, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        if (!answer) return 0;
        if (answer->head_bytes > size) std::abort();
        if (answer->upgraded && answer->status != 101) std::abort();
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::broken) std::abort();
    }
    return 0;
}
