// crankcase: reads its line, does one command, and says in its exit code how that went.
#include <linux/close_range.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "api/cli/arguments.h"
#include "api/cli/failure.h"
#include "api/cli/session.h"
#include "api/cli/text.h"
#include "isolate/sys/log.h"

namespace {

// A shell's way to say that a signal ended it.
constexpr int stopped_by = 128;

int run(const cli::Line& line) {
    cli::Session session{line.global};
    try {
        return static_cast<int>(line.command(session));
    } catch (const std::exception& error) {
        if (const int signal = cli::Interrupt::signal(); signal != 0) {
            session.complain(session.remote()
                                 ? "stopped waiting; what the engine does goes on there"
                                 : "stopped; nothing is left half done");
            return stopped_by + signal;
        }
        session.complain(cli::printable(error.what()));
        return static_cast<int>(cli::exit_code_of(error));
    }
}

}  // namespace

int main(int argc, char** argv) {
    // Programs we start get what they need, not what we happened to be given. We keep it: FILE may
    // be a shell's /dev/fd/63.
    ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
    // Errors reach people as sentences; lines of a log are for the daemon's readers.
    sys::set_log_level(sys::Level::error);
    try {
        const auto line = cli::read_line(argc, argv);
        if (line.finished) return static_cast<int>(*line.finished);
        return run(line);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "crankcase: %s\n", error.what());
        return static_cast<int>(cli::exit_code_of(error));
    }
}
