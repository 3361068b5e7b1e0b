// libFuzzer: whatever a client sends as frames, cut anywhere, messages within the limit come out,
// or a close.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "api/ws/channel.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    constexpr std::size_t most = 4096;
    ws::Channel channel{config::Bytes{most}, [](const std::string&) {}};
    // Bytes as characters: the only view of them a parser of text can use.
    auto rest = std::string_view{reinterpret_cast<const char*>(data), size};
    const auto cut = std::size_t{1} + static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    while (!rest.empty()) {
        const auto piece = rest.substr(0, cut);
        for (const auto& message : channel.receive(piece))
            if (message.data.size() > most) __builtin_trap();
        rest.remove_prefix(piece.size());
    }
    return 0;
}
