// The command line: which command, with what. With run_arguments.h the only place that
// knows CLI11.
#pragma once

#include <functional>
#include <optional>

#include "api/cli/commands.h"
#include "api/cli/completion.h"
#include "api/cli/session.h"

namespace cli {

struct Line {
    Global global;
    std::function<ExitCode(Session&)> command;
    // Set when everything is said already: help was printed, or what is wrong with the line.
    std::optional<ExitCode> finished;
};

Line read_line(int argc, char** argv);

// All commands and options, for completion.
CommandShape shape();

}  // namespace cli
