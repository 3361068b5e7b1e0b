// What the end of a stage means to the caller.
#pragma once

#include <string_view>

namespace engine {

enum class Verdict {
    passed,           // exit code 0
    failed,           // another exit code
    signaled,         // the program died of a signal that was not ours
    wall_timed_out,   // ran longer than wall_time
    cpu_timed_out,    // used more than cpu_time
    out_of_memory,    // the kernel killed a process for memory
    too_much_stdout,  // wrote more than the output limit
    too_much_stderr,
    canceled,  // nobody is waiting for the answer any more
    broken,    // the engine's fault, never the program's
};

// The word used in logs and metrics.
std::string_view name(Verdict verdict);

}  // namespace engine
