// How a stage ended, as an engine tells it, and what the tool makes of it: an exit code as a shell
// would give it, and a sentence where the code alone would leave one wondering. Pure.
#pragma once

#include <optional>
#include <string>

namespace cli {

enum class Stage { compile, run };

struct Ending {
    Stage stage = Stage::run;
    std::optional<int> code;
    std::string signal;   // "SIGKILL"; empty: none
    std::string status;   // "RE", "SG", "TO", "OL", "EL", "XX"; empty: none, or not told
    std::string message;  // the engine's words; empty: none, or not told

    bool operator==(const Ending&) const = default;
};

// A compile stage that ended so is followed by no run.
bool is_good(const Ending& ending);

// The program's own code; 124 for a time limit; 137 for an output limit; 128 + n for signal n; 1 if
// the sandbox failed or nobody knows.
int exit_code_of(const Ending& ending);

// One sentence without a full stop; empty if the program ended by itself, whatever its code.
std::string remark_on(const Ending& ending);

}  // namespace cli
