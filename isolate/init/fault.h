// How a process between clone and execve says that it cannot go on: one Report into its pipe, then
// exit.
#pragma once

#include "isolate/protocol.h"

namespace isolate {

// Writes the report; a pipe holds it whole (man 7 pipe, PIPE_BUF).
void send_report(int pipe, const Report& report);

// Reports the step and errno and ends the process.
[[noreturn]] void give_up(int pipe, Step step);

}  // namespace isolate
