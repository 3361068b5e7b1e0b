// Runs one of the machine's own client programs (apt-get, npm, pip, go) and takes down what it
// says.
//
// Never through a shell, with no environment but the one that is given, nothing on standard input
// and no descriptor but the three standard ones. The program is the leader of a process group of
// its own, which is killed as a whole once the leader has exited, the time is over or a stop was
// requested; what has left the group is not followed. Nothing outlives a call.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace packages {

// What to run.
struct ToolCommand {
    std::vector<std::string> argv;         // the first is an absolute path
    std::vector<std::string> environment;  // "KEY=value"
    std::string directory = "/";           // where it runs
    std::chrono::milliseconds patience = std::chrono::seconds{30};
    std::size_t most_output = 1 << 20;  // bytes on standard output; of errors the first 64 KiB
    // Told every line of standard output as it comes, without its end and cut at 4 KiB, on the
    // calling thread. With it, nothing is kept and any amount may be said.
    std::function<void(std::string_view line)> on_line;
};

// How it ended.
struct ToolResult {
    int exit_code = 0;  // 128 and the signal's number if a signal ended it
    std::string out;
    std::string err;
};

// Returns when the program has ended, well or not. Throws sys::Error: broken if it could not be
// started, took longer than it may or said more than is read; busy if `stop` was requested.
ToolResult run_tool(const ToolCommand& command, std::stop_token stop = {});

// The first executable file of that name in the absolute directories of PATH, or, where those lack
// it, in the usual ones. Empty if there is none.
std::optional<std::string> find_program(const std::string& name);

// PATH, HOME, a plain locale and what clients of registries are commonly told through the
// environment: proxies, certificates, registries. Nothing else of this process's environment.
std::vector<std::string> client_environment();

// The last lines of what a program said, for a message: at most 400 bytes, without passwords.
std::string last_words(const ToolResult& result);

}  // namespace packages
