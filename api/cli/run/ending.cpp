#include "api/cli/run/ending.h"

#include "api/cli/failure.h"
#include "api/cli/text.h"
#include "api/wire/signal_name.h"

namespace cli {

namespace {

// What `timeout` and shells say.
constexpr int out_of_time = 124;
constexpr int by_signal = 128;
constexpr int killed = by_signal + 9;
// Of an exit code only these bits reach a parent (man 2 _exit).
constexpr int code_bits = 0xFF;

}  // namespace

bool is_good(const Ending& ending) {
    return ending.code == 0;
}

int exit_code_of(const Ending& ending) {
    // A limit's kill is told as SIGKILL as well; which limit it was says more.
    if (ending.status == "TO") return out_of_time;
    if (ending.status == "OL" || ending.status == "EL") return killed;
    if (ending.status == "XX") return static_cast<int>(ExitCode::failed);
    if (ending.code) return *ending.code & code_bits;
    if (const auto number = wire::signal_number(ending.signal)) return by_signal + *number;
    return static_cast<int>(ExitCode::failed);
}

std::string remark_on(const Ending& ending) {
    const std::string stage = ending.stage == Stage::compile ? "compiling: " : "";
    // Its code says the same.
    if (ending.message.starts_with("Exited with error status")) return {};
    if (!ending.message.empty()) return stage + printable(ending.message);
    if (ending.code) return {};
    if (!ending.signal.empty()) return stage + "ended by " + printable(ending.signal);
    if (!ending.status.empty()) return stage + "ended with status " + printable(ending.status);
    return stage + "the engine does not say how it ended";
}

}  // namespace cli
