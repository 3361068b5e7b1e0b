// What the tool's two outputs are: terminals with a width and colours, or files and pipes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cli {

enum class Tint { none, bold, dim, green, yellow, red };

enum class Colours { no, yes };

struct Terminal {
    bool drawing = false;         // standard error is a terminal that can rewrite a line
    std::size_t width = 80;       // columns of standard error
    std::size_t table_width = 0;  // columns of standard output; 0: no terminal, as wide as it needs
    Colours colours = Colours::no;  // of standard output

    bool operator==(const Terminal&) const = default;
};

// Asks the kernel (man 4 tty_ioctl) and the environment: NO_COLOR, and TERM=dumb, mean no colours.
Terminal look_at_terminal();

// The text in the colour, if there are colours.
std::string painted(std::string_view text, Tint tint, Colours colours);

}  // namespace cli
