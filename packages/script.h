// How a stage of a runtime is started.
//
// Either an argument vector, started without a shell, in which an element "{main}" stands for the
// main file, "{files}" for all code files and "{args}" for the job's arguments (whole elements
// only, so nothing is ever split or quoted), and "{heap}" in an element for two thirds of the
// stage's memory in bytes (no such element where that is unlimited); or the text of a shell script,
// which is written into the box as `run` or `compile` and gets the main file (compile: all code
// files) and the arguments as $1, $2, … With both, the vector starts jobs with one code file, which
// then need no shell, and the text the rest.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "config/units.h"

namespace packages {

// How the program of a job's first stage can be started before its job is there.
struct Warm {
    enum class Kind {
        none,
        gate,    // it looks for its main file itself, and before that at nothing of the job's
        zygote,  // the same, and until then it has one thread and keeps nothing that is its own
    };
    Kind kind = Kind::none;
    // A file that it reads first, and the variable by which it finds that, "KEY=value" with
    // "{prime}" for its path; both empty where there is none. It takes the variable out of its
    // environment.
    std::string prime;
    std::string primed_by;
    std::chrono::seconds max_age{0};  // beside that of the engine; 0: none
    config::Bytes memory;             // of one that stands ready, what no other shares; 0: unknown

    bool operator==(const Warm&) const = default;
};

struct Script {
    std::vector<std::string> argv;
    std::string text;
    Warm warm = {};
    // Of a compile stage that comes to the same whenever it is given the same: unless one of the
    // files holds one of these texts, in whatever case. Empty: it may come to something else.
    std::optional<std::vector<std::string>> cache_unless = {};

    bool operator==(const Script&) const = default;
};

}  // namespace packages
