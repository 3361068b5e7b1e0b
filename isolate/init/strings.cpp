#include "isolate/init/strings.h"

#include <cstring>

namespace isolate {

bool find_strings(const SpawnStage& stage, std::span<const std::byte> payload,
                  StageStrings& found) {
    if (stage.argument_count == 0 || stage.argument_count > max_arguments ||
        stage.environment_count > max_arguments - stage.argument_count ||
        stage.layer_count > max_layers || payload.empty() || payload.back() != std::byte{0}) {
        return false;
    }
    // execve takes pointers to non-const for historical reasons and does not write through them.
    auto* at = const_cast<char*>(reinterpret_cast<const char*>(payload.data()));
    const char* end = at + payload.size();
    std::size_t next = 0;
    for (unsigned i = 0; i < stage.argument_count + stage.environment_count; ++i) {
        if (at == end) return false;
        if (i == stage.argument_count) found.strings[next++] = nullptr;
        found.strings[next++] = at;
        at += std::strlen(at) + 1;
    }
    if (stage.environment_count == 0) found.strings[next++] = nullptr;
    found.strings[next] = nullptr;
    for (unsigned i = 0; i < stage.layer_count; ++i) {
        if (at == end || !is_layer_name(at)) return false;
        found.layers[i] = at;
        at += std::strlen(at) + 1;
    }
    return at == end;
}

}  // namespace isolate
