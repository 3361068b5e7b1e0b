// What to run in a box: a plain value.
#pragma once

#include <string>
#include <vector>

#include "config/limits.h"

namespace isolate {

struct Command {
    std::vector<std::string>
        argv;  // argv[0] is an absolute path, or relative to the job's directory
    std::vector<std::string> environment;  // "KEY=value", exactly what the program sees
    config::Limits limits;

    bool operator==(const Command&) const = default;
};

}  // namespace isolate
