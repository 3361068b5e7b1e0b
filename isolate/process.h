// A command that was started in a box: its number in the container and our ends of its pipes or of
// its terminal.
#pragma once

#include <sys/types.h>

#include "isolate/sys/fd.h"

namespace isolate {

struct Process {
    pid_t pid = 0;              // of the PID 1 of the box, as init knows it
    sys::UniqueFd standard_in;  // ours are non-blocking
    sys::UniqueFd standard_out;
    sys::UniqueFd standard_err;  // none on a terminal, whose master is both of the others
    bool on_terminal = false;
    sys::UniqueFd report;  // one Report when it ends
};

}  // namespace isolate
