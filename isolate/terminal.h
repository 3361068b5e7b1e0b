// A pseudo-terminal for a job: we hold the master, the job gets the slave as its standard streams.
//
// It is one of the host's devpts, and the job has it as descriptors only: there is no devpts in a
// box, so it can open neither another terminal nor its own by name.
#pragma once

#include <cstdint>

#include "isolate/sys/fd.h"

namespace isolate {

struct WindowSize {
    std::uint16_t rows = 24, columns = 80;

    bool operator==(const WindowSize&) const = default;
};

struct Terminal {
    sys::UniqueFd master;
    sys::UniqueFd slave;
};

// Both ends close on exec and become nobody's controlling terminal. Throws sys::Error{broken}, for
// instance when the host has no terminal left (kernel.pty.max).
Terminal open_terminal(WindowSize size);

// The foreground of the terminal gets SIGWINCH if the size is another one (man 2 ioctl_tty).
void resize(const sys::UniqueFd& master, WindowSize size);

// The character that ends the input on this terminal at the moment (man 3 termios, VEOF).
char end_of_file_character(const sys::UniqueFd& master);

}  // namespace isolate
