// Our terminal in raw mode for as long as this lives: every key goes to the program in the box,
// whose own terminal does the rest. However this process ends, short of SIGKILL, the terminal is as
// it was before.
#pragma once

#include <termios.h>

#include "api/cli/run/program.h"

namespace cli {

// Both standard input and output are a terminal, and it is ours to read: no background job's.
bool is_at_terminal();

// Of standard output's terminal; 24 rows of 80 where it does not know.
WindowSize window_size();

// At most one at a time: handlers of signals belong to the process.
class RawTerminal {
public:
    // Of standard input. Throws sys::Error{broken}.
    RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal();

private:
    termios before_{};
};

}  // namespace cli
