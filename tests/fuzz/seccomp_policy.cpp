// Any bytes as a policy: they compile to a program the kernel could take, or are refused as
// invalid. Whatever else happens, a crash or another kind of error, is a finding.
#include <linux/bpf_common.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "isolate/filter.h"
#include "isolate/sys/error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // The same bytes, read as text.
    const auto text = std::string_view(reinterpret_cast<const char*>(data), size);
    try {
        const auto filter = isolate::compile_filter(text);
        if (filter.program.empty() || filter.program.size() > BPF_MAXINSNS) std::abort();
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::invalid) std::abort();
    }
    return 0;
}
