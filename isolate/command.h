// What to run in a box: a plain value.
#pragma once

#include <optional>
#include <string>
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

}  // namespace isolate
