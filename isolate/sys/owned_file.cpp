#include "isolate/sys/owned_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace sys {

void replace_owned_file(const std::string& path, std::string_view text,
                        const Ownership& ownership) {
    const auto half = path + ".new";
    // What an earlier attempt left is somebody's already; a new file is ours from its birth.
    if (::unlink(half.c_str()) != 0 && errno != ENOENT) fail("remove " + half);
    const auto file = open(half, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    // The owner first: a change of it takes bits of the mode (man 2 chown).
    if (::fchown(file.get(), ownership.owner, ownership.group) != 0) fail("chown " + half);
    if (::fchmod(file.get(), ownership.mode) != 0) fail("chmod " + half);
    while (!text.empty()) {
        const auto written = ::write(file.get(), text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail("write " + half);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::fsync(file.get()) != 0) fail("fsync " + half);
    if (::rename(half.c_str(), path.c_str()) != 0) fail("rename " + half + " to " + path);
}

}  // namespace sys
