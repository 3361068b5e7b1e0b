// `crankcase` as it was built, run by a test as a shell would run it: with pipes for its standard
// descriptors, or with a terminal of its own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "isolate/sys/fd.h"

namespace support {

struct ToolResult {
    int code = 0;  // of its exit, or minus the signal that ended it
    std::string out, err;
};

class ToolProcess {
public:
    enum class Stdio { pipes, terminal };

    // Starts it with these words behind its name.
    explicit ToolProcess(const std::vector<std::string>& words, Stdio stdio = Stdio::pipes);
    ToolProcess(const ToolProcess&) = delete;
    ToolProcess& operator=(const ToolProcess&) = delete;
    ~ToolProcess();  // kills it if it still runs

    pid_t pid() const { return pid_; }
    // The terminal's other side.
    const sys::UniqueFd& terminal() const { return out_; }

    void write(std::string_view bytes);
    void close_input() { in_.reset(); }

    // Reads its outputs until one of them (or the terminal) has shown the text. False if it ends or
    // `patience` is over before.
    bool wait_for_output(std::string_view text);

    // Reads to the end of both outputs and waits for its end.
    ToolResult finish();

    // Waits for its end alone, and returns its code as ToolResult has it: a terminal stays open as
    // long as anybody else has it, so there is no end of output to wait for.
    int wait_for_exit();

    std::chrono::milliseconds patience{20'000};

private:
    enum class Progress { more, end, too_late };
    Progress receive(std::chrono::steady_clock::time_point deadline);

    // Kills it if the deadline is over.
    int reap(std::chrono::steady_clock::time_point deadline);

    pid_t pid_ = -1;
    sys::UniqueFd in_, out_, err_;
    ToolResult result_;
};

// All of it at once.
ToolResult run_tool(const std::vector<std::string>& words, std::string_view input = {});

// A directory for programs, which every user may read.
struct ToolPlace {
    std::string path;

    ToolPlace();
    ToolPlace(const ToolPlace&) = delete;
    ToolPlace& operator=(const ToolPlace&) = delete;
    ~ToolPlace();

    // Writes one, and returns its path.
    std::string file(const std::string& name, std::string_view content) const;
};

// --url URL run OPTIONS… REST…
std::vector<std::string> run_words(const std::string& url, const std::vector<std::string>& options,
                                   const std::vector<std::string>& rest);

}  // namespace support
