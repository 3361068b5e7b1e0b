// libFuzzer: whatever the daemon sends into a container, inline or in a memfd, is read within its
// bounds or refused. The first byte says how it travels.
#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/support/init_feed.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    support::feed_init({data[0]}, std::as_bytes(std::span{data, size}).subspan(1));
    return 0;
}
