// How a stage of a runtime is started.
//
// Either an argument vector, started without a shell, in which an element "{main}" stands for the
// main file, "{files}" for all code files and "{args}" for the job's arguments (whole elements
// only, so nothing is ever split or quoted); or the text of a shell script, which is written into
// the box as `run` or `compile` and gets the main file (compile: all code files) and the arguments
// as $1, $2, … With both, the vector starts jobs with one code file, which then need no shell, the
// text the others.
#pragma once

#include <string>
#include <vector>

namespace packages {

struct Script {
    std::vector<std::string> argv;
    std::string text;

    bool operator==(const Script&) const = default;
};

}  // namespace packages
