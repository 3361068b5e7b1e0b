// What `crankcase run` sends: a program as a value, made of what the command line says, and the
// messages that carry it and steer it. All but read_program() is pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cli {

struct RunOptions {
    std::string language;
    std::string file;                    // "-": standard input
    std::vector<std::string> arguments;  // of the program
    std::vector<std::string> files;      // more of them
    std::string version = "*";
    // As people write them; empty: the engine's own.
    std::string run_timeout, compile_timeout, run_cpu_time, compile_cpu_time;
    std::string run_memory_limit, compile_memory_limit;
    bool standard_input = false;
    bool interactive = false;
    bool status = false;
    bool json = false;
};

struct ProgramFile {
    std::string name;  // empty: the engine gives it one
    std::string content;

    bool operator==(const ProgramFile&) const = default;
};

struct Program {
    std::string language, version;
    std::vector<ProgramFile> files;  // the first is the main one
    std::vector<std::string> arguments;
    std::optional<std::string> input;
    // By the names the interface has for them; milliseconds and bytes.
    std::vector<std::pair<std::string, std::int64_t>> limits;

    bool operator==(const Program&) const = default;
};

struct WindowSize {
    std::uint16_t rows = 24, columns = 80;

    bool operator==(const WindowSize&) const = default;
};

// The limits an engine is asked for. Throws Failure{usage} for what is no time or no size, with the
// option's name.
std::vector<std::pair<std::string, std::int64_t>> limits_of(const RunOptions& options);

// What the files are called in the box: as they are from the working directory, so that they find
// each other there as they do here; one alone, or one from elsewhere, by its last part. "-" has no
// name. Throws Failure{usage} if two would be called the same, or one has no name.
std::vector<std::string> names_in_box(const std::vector<std::string>& paths,
                                      const std::string& working_directory);

// Reads the files and, if asked for, standard input to its end. Throws Failure{usage} for options
// that contradict each other and for more than 64 MiB, sys::Error if something cannot be read.
Program read_program(const RunOptions& options);

// The body of POST /api/v2/execute. Files that are no UTF-8 go as base64.
std::string execute_body(const Program& program);

// Messages of /api/v2/connect.
std::string init_message(const Program& program, const std::optional<WindowSize>& terminal);
std::string input_message(std::string_view bytes);  // what is no UTF-8 becomes U+FFFD
std::string end_of_input_message();
std::string signal_message(std::string_view name);
std::string resize_message(WindowSize size);

}  // namespace cli
