#include "api/cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace cli {

namespace {

std::size_t width_of(int fd) {
    winsize size{};
    // Serial consoles say 0.
    if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
    return size.ws_col;
}

bool has(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

}  // namespace

Terminal look_at_terminal() {
    const char* term = std::getenv("TERM");
    const bool dumb = term == nullptr || std::string_view{term} == "dumb";
    const bool out = ::isatty(STDOUT_FILENO) == 1;
    return {
        .drawing = ::isatty(STDERR_FILENO) == 1 && !dumb,
        .width = width_of(STDERR_FILENO),
        .table_width = out ? width_of(STDOUT_FILENO) : 0,
        .colours = out && !dumb && !has("NO_COLOR") ? Colours::yes : Colours::no,
    };
}

std::string painted(std::string_view text, Tint tint, Colours colours) {
    if (colours == Colours::no || tint == Tint::none || text.empty()) return std::string{text};
    const char* code = "0";
    switch (tint) {
        case Tint::none:
            break;
        case Tint::bold:
            code = "1";
            break;
        case Tint::dim:
            code = "2";
            break;
        case Tint::green:
            code = "32";
            break;
        case Tint::yellow:
            code = "33";
            break;
        case Tint::red:
            code = "31";
            break;
    }
    return std::string{"\x1b["} + code + "m" + std::string{text} + "\x1b[0m";
}

}  // namespace cli
