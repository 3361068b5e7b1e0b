#include "isolate/terminal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "isolate/sys/error.h"

namespace isolate {

Terminal open_terminal(WindowSize size) {
    constexpr int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
    Terminal terminal{.master = sys::UniqueFd{::posix_openpt(flags)}, .slave = {}};
    if (!terminal.master) sys::fail("open a terminal");
    if (::unlockpt(terminal.master.get()) != 0) sys::fail("unlock a terminal");
    // Not by its name: that might lead into another devpts than the master's (Linux 4.13).
    terminal.slave.reset(::ioctl(terminal.master.get(), TIOCGPTPEER, flags));
    if (!terminal.slave) sys::fail("open the job's end of a terminal");
    resize(terminal.master, size);
    return terminal;
}

void resize(const sys::UniqueFd& master, WindowSize size) {
    winsize window{};
    window.ws_row = size.rows;
    window.ws_col = size.columns;
    // It fails only for what is not a terminal, which nobody hands in.
    ::ioctl(master.get(), TIOCSWINSZ, &window);
}

char end_of_file_character(const sys::UniqueFd& master) {
    constexpr char usual = 4;  // ^D
    termios modes{};
    if (::tcgetattr(master.get(), &modes) != 0) return usual;
    const auto character = modes.c_cc[VEOF];
    return character == _POSIX_VDISABLE ? usual : static_cast<char>(character);
}

}  // namespace isolate
