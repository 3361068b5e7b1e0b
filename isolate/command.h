// What to run in a box: a plain value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/limits.h"
#include "isolate/terminal.h"

namespace isolate {

struct Command {
    std::vector<std::string>
        argv;  // argv[0] is an absolute path, or relative to the job's directory
    std::vector<std::string> environment;  // "KEY=value", exactly what the program sees
    config::Limits limits;
    // Names of directories among the layers, the uppermost first, that together are the root of the
    // program; none: the host's own /usr.
    std::vector<std::string> layers = {};
    // Of that size, as all three standard streams and controlling terminal; none: three pipes.
    std::optional<WindowSize> terminal = {};

    bool operator==(const Command&) const = default;
};

// Has the program stop at its gate when it asks for that file (gate/word.h). The variables come
// last, so that what the program finds in front of them is what it would find without.
void add_gate(Command& command, std::string_view main);

// Has the program find that variable, "KEY=value", which is its own to take out again; with a gate.
void give(Command& command, std::string_view variable);

// The room in a box: bytes and files of the job's directory, /tmp and /dev/shm together.
struct BoxSize {
    config::Bytes bytes;
    int entries = 0;

    bool operator==(const BoxSize&) const = default;
};

}  // namespace isolate
