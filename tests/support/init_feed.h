// A message as init and the spawner receive it, from bytes that nobody vouches for: what the fuzzer
// and the unit tests of the protocol share.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "isolate/init/message.h"
#include "isolate/init/strings.h"

namespace support {

// What came of it; every kind has to occur in a test of many.
enum class Fed { refused, read, found_strings };

// Every string lies in the payload and ends in it; every layer may be part of a mount's options.
inline bool lie_within(const isolate::StageStrings& found, const isolate::SpawnStage& stage,
                       std::span<const std::byte> payload) {
    const auto* begin = reinterpret_cast<const char*>(payload.data());
    const auto inside = [&](const char* text) {
        return text >= begin && text + std::strlen(text) < begin + payload.size();
    };
    const auto* const* next = found.strings;
    for (const auto count : {stage.argument_count, stage.environment_count}) {
        for (std::uint32_t i = 0; i < count; ++i)
            if (!inside(*next++)) return false;
        if (*next++) return false;
    }
    for (std::uint32_t i = 0; i < stage.layer_count; ++i)
        if (!inside(found.layers[i]) || !isolate::is_layer_name(found.layers[i])) return false;
    return true;
}

// How the bytes travel: a first byte decides.
struct Passage {
    std::uint8_t how;

    bool with_memfd() const { return how & 1; }
    int seals() const {
        int seals = 0;
        if (how & 2) seals |= F_SEAL_SHRINK;
        if (how & 4) seals |= F_SEAL_GROW;
        if (how & 8) seals |= F_SEAL_WRITE;
        return seals;
    }
};

// Sends head and body, and the rest of the bytes behind it or in a memfd; then reads as init does.
inline Fed feed_init(Passage passage, std::span<const std::byte> bytes) {
    static isolate::Message message;
    static isolate::StageStrings strings;
    const auto pair = sys::socket_pair();
    const auto front = passage.with_memfd()
                           ? bytes.first(std::min(
                                 bytes.size(), sizeof(isolate::Head) + sizeof(isolate::SpawnStage)))
                           : bytes;
    const std::span<const std::byte> pieces[] = {front};
    sys::UniqueFd memfd;
    int passed[1] = {-1};
    if (passage.with_memfd()) {
        const auto rest = bytes.subspan(front.size());
        memfd.reset(::memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING));
        if (::write(memfd.get(), rest.data(), rest.size()) != static_cast<ssize_t>(rest.size()))
            std::abort();
        if (::fcntl(memfd.get(), F_ADD_SEALS, passage.seals()) != 0) std::abort();
        passed[0] = memfd.get();
    }
    const auto fds = std::span<const int>{passed}.first(passage.with_memfd() ? 1 : 0);
    if (sys::send_message(pair.ours, pieces, fds) != 0) return Fed::refused;
    if (!message.receive(pair.theirs)) return Fed::refused;
    if (message.payload().size() != message.head().payload_bytes) std::abort();
    // Nobody may take away or change what is mapped.
    constexpr int all = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    const bool mapped = message.head().payload_in_memfd && !message.payload().empty();
    if (mapped && (passage.seals() & all) != all) std::abort();
    isolate::SpawnStage stage{};
    if (!message.read_body(stage) || !isolate::find_strings(stage, message.payload(), strings))
        return Fed::read;
    if (!lie_within(strings, stage, message.payload())) std::abort();
    return Fed::found_strings;
}

}  // namespace support
