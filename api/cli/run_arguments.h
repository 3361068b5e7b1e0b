// The part of the command line that is `run`'s: its options, and where the program's own arguments
// begin.
#pragma once

#include <string>
#include <vector>

#include "api/cli/completion.h"
#include "api/cli/run/program.h"

namespace CLI {
class App;
}

namespace cli {

// How the value of an option is called in the help; completion tells files by that.
inline constexpr const char* file_word = "FILE";

// Options, places and help of `run`; their values are written to `options` when the line is parsed.
void add_run_options(CLI::App& app, RunOptions& options);

// Takes the words behind `run LANG FILE` off the line and returns them: they are the program's,
// even where they look like options of ours. One "--" directly behind FILE is nobody's. The words
// of any other line stay. `words` are without the program's own name. Pure.
std::vector<std::string> take_program_arguments(const CommandShape& root,
                                                std::vector<std::string>& words);

}  // namespace cli
