// libFuzzer: any bytes, cut anywhere, give the same requests and the same end as in one piece.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/support/framing.h"

// The first byte chooses how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    // SAFETY: any byte may be read as a char.
    const auto bytes = std::string_view(reinterpret_cast<const char*>(data), size).substr(1);
    const auto piece = std::size_t{1} + data[0] % 64;
    const auto cut = support::read_framed(bytes, [&] { return piece; });
    if (cut != support::read_framed(bytes, [&] { return bytes.size() + 1; })) std::abort();
    return 0;
}
