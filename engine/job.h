// A job: one request to execute, decoded and checked. Plain values; whoever speaks some wire format
// makes one of these (api/wire) and nothing below knows where it came from.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/limits.h"
#include "engine/runtime.h"
#include "isolate/terminal.h"

namespace engine {

struct GradingPlan;

struct File {
    std::string name;     // relative, may contain directories; checked by check_file_name
    std::string content;  // the bytes, already decoded
    bool is_code = true;  // false: data beside the program; not passed to the compiler

    bool operator==(const File&) const = default;
};

// Who sent a job, for the record; nothing is decided by it.
struct Asker {
    std::string client;  // address, or "uid:1000"; empty: not known
    std::string key;     // the name of the key that was shown, never the key; empty: none

    bool operator==(const Asker&) const = default;
};

struct Job {
    std::string id;                          // for the log; never shown to the program
    std::shared_ptr<const Runtime> runtime;  // shared, so that it survives an uninstall
    std::vector<File> files;                 // the first code file is the main file
    std::vector<std::string> arguments;
    std::string stdin_text;
    config::StageLimits limits;  // effective: request within ceiling
    // Wall-clock time of all stages together; a stage has what is left of it, if that is less than
    // its own limit.
    config::Milliseconds total_time = config::unlimited_time;
    std::chrono::microseconds waited{0};  // for admission, before it began
    // The run stage has a terminal of that size as its standard streams, all output then being
    // standard output; the compiler has pipes all the same.
    std::optional<isolate::WindowSize> terminal = {};
    // What the program is tested with, instead of stdin_text, arguments and limits.run; null: it is
    // run once.
    std::shared_ptr<const GradingPlan> grading = {};
    bool keep_output = true;  // false: output goes to Events only, and the results have none
    Asker asker = {};
};

// The most a job may carry besides its files; the kernel would refuse more (man 2 execve).
inline constexpr std::size_t max_argument_bytes = (1 << 17) - 1;  // MAX_ARG_STRLEN less the NUL
inline constexpr std::size_t max_arguments_bytes = 1 << 20;       // all of them together
inline constexpr std::size_t max_files = 1024;
inline constexpr std::size_t max_file_name_bytes = 1024;  // a path component: 255

// Throws sys::Error{invalid} with a sentence naming the file if the name could not be a file
// beneath the job's directory: empty, absolute, "..", a NUL, a trailing slash, an overlong
// component.
void check_file_name(const std::string& name);

}  // namespace engine
