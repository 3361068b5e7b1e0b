// libFuzzer: whatever a client writes into a message of the WebSocket, it is understood or refused
// with a sentence.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/wire/connect.h"
#include "isolate/sys/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        // Bytes as characters: the only view of them a parser of text can use.
        wire::decode_client_message({reinterpret_cast<const char*>(data), size});
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::invalid) __builtin_trap();
    }
    return 0;
}
