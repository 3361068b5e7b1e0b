// libFuzzer: whatever an archive holds, it is unpacked beneath its directory, or refused.
#include "packages/archive.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    namespace fs = std::filesystem;
    std::string place = "/tmp/crankcase-fuzz-XXXXXX";
    if (!::mkdtemp(place.data())) std::abort();
    fs::create_directory(place + "/root");
    const auto root = sys::open(place + "/root", O_RDONLY | O_DIRECTORY);
    const auto archive = sys::UniqueFd{::memfd_create("archive", MFD_CLOEXEC)};
    if (::write(archive.get(), data, size) != static_cast<ssize_t>(size)) std::abort();
    try {
        packages::unpack(archive, root, {.detect_programs = true},
                         {.bytes = 1 << 20, .entries = 200, .time = std::chrono::seconds{5}}, {});
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::invalid) std::abort();
    }
    // Only the root is there, and no link in it leads out.
    if (std::distance(fs::directory_iterator{place}, {}) != 1) std::abort();
    for (const auto& entry : fs::recursive_directory_iterator{place + "/root"}) {
        if (!entry.is_symlink()) continue;
        const auto target = fs::read_symlink(entry.path());
        std::error_code loop;  // links that lead to one another lead nowhere else
        auto end = fs::weakly_canonical(entry.path().parent_path() / target, loop);
        if (loop) end = (entry.path().parent_path() / target).lexically_normal();
        if (target.is_absolute() || !end.native().starts_with(place + "/root")) std::abort();
    }
    fs::remove_all(place);
    return 0;
}
