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
    // Raw, because glibc has no wrapper. All threads at once: a library may have started one.
    const long result =
        ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (result > 0) return ESRCH;  // the thread of that number has a filter of its own
    return result == 0 ? 0 : errno;
}

}  // namespace isolate
