#include "isolate/sys/fd.h"

#include <unistd.h>

namespace sys {

void UniqueFd::reset(int fd) {
    // The result of close is not used: after EINTR or EIO the descriptor is gone all the same (man
    // 2 close).
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
}

}  // namespace sys
