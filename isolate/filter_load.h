// Putting a compiled filter into force; what init does for jobs without any of this.
#pragma once

#include "isolate/filter.h"

namespace isolate {

// For all threads of this process and all they start, for good (man 2 seccomp, TSYNC). Needs
// no_new_privs or CAP_SYS_ADMIN. Returns 0 or an error number; allocates nothing, so it may follow
// a fork.
int load_filter(const Filter& filter);

}  // namespace isolate
