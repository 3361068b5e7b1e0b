// Coverage-guided fuzzing of what a box says that its directory holds.
#include "isolate/tree.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The same bytes as text; char may alias anything.
    const auto tree = isolate::read_tree({reinterpret_cast<const char*>(data), size});
    if (!tree) return 0;
    bool links = false;
    for (const auto& entry : *tree) {
        if (entry.name.empty() || entry.name.front() == '/') std::abort();
        const bool is_link = entry.kind == isolate::EntryKind::link;
        if (links && !is_link) std::abort();
        links = is_link;
    }
    return 0;
}
