#include "isolate/filter_load.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace isolate {

int load_filter(const Filter& filter) {
    // The kernel reads the program and does not write to it; its structure is older than const.
    const sock_fprog program{static_cast<unsigned short>(filter.program.size()),
                             const_cast<sock_filter*>(filter.program.data())};
    // Raw, because glibc has no wrapper.
    return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program) == 0 ? 0 : errno;
}

}  // namespace isolate
