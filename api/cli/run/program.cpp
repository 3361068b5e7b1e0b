#include "api/cli/run/program.h"

#include <filesystem>
#include <limits>
#include <set>

#include "api/cli/failure.h"
#include "api/cli/run/descriptors.h"
#include "api/cli/text.h"
#include "api/wire/json_text.h"
#include "config/units.h"
#include "isolate/sys/file.h"
#include "packages/digest.h"

namespace cli {

namespace {

namespace fs = std::filesystem;
using Limits = std::vector<std::pair<std::string, std::int64_t>>;

[[noreturn]] void refuse(const std::string& sentence) {
    throw Failure(ExitCode::usage, sentence);
}

// A time without an end cannot be asked for: an engine's limits are its own to lift.
void add_time(Limits& limits, const char* name, const char* option, const std::string& text) {
    if (text.empty()) return;
    const auto time = config::parse_duration(text);
    if (!time || *time == config::unlimited_time || time->count() <= 0)
        refuse(std::string{option} +
               " takes milliseconds or a time such as 3s, more than none, not " + printable(text));
    limits.emplace_back(name, time->count());
}

void add_size(Limits& limits, const char* name, const char* option, const std::string& text) {
    if (text.empty()) return;
    const auto size = config::parse_bytes(text);
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!size || (size != config::unlimited_bytes && size->count > most))
        refuse(std::string{option} + " takes bytes or a size such as 64MiB, or -1 for as much as " +
               "the engine allows, not " + printable(text));
    limits.emplace_back(
        name, size == config::unlimited_bytes ? -1 : static_cast<std::int64_t>(size->count));
}

// A name that leads out of the working directory says nothing in the box.
std::string name_from_here(const fs::path& path, const fs::path& working_directory) {
    const auto whole = (working_directory / path).lexically_normal();
    const auto name = whole.lexically_relative(working_directory.lexically_normal());
    if (name.empty() || *name.begin() == "..") return whole.filename();
    return name;
}

void append_file(std::string& to, const ProgramFile& file) {
    to += '{';
    if (!file.name.empty()) {
        to += R"("name":)";
        wire::append_json_text(to, file.name);
        to += ',';
    }
    const bool text = is_utf8(file.content);
    to += R"("content":)";
    wire::append_json_text(to, text ? file.content : packages::encode_base64(file.content));
    to += text ? "}" : R"(,"encoding":"base64"})";
}

// The keys of a program, between the braces of whatever message carries them.
std::string keys_of(const Program& program) {
    std::string text = R"("language":)";
    wire::append_json_text(text, program.language);
    text += R"(,"version":)";
    wire::append_json_text(text, program.version);
    text += R"(,"files":[)";
    for (const auto& file : program.files) {
        if (&file != &program.files.front()) text += ',';
        append_file(text, file);
    }
    text += R"(],"args":[)";
    for (const auto& argument : program.arguments) {
        if (&argument != &program.arguments.front()) text += ',';
        wire::append_json_text(text, argument);
    }
    text += ']';
    if (program.input) {
        text += R"(,"stdin":)";
        wire::append_json_text(text, *program.input);
    }
    for (const auto& [name, value] : program.limits)
        text += ",\"" + name + "\":" + std::to_string(value);
    return text;
}

void refuse_contradictions(const RunOptions& options) {
    const bool from_input = options.file == "-";
    if (options.json && options.interactive) refuse("--json does not go with --interactive");
    if (from_input && options.standard_input)
        refuse("the program comes from standard input already; --stdin would read it again");
    if (from_input && options.interactive)
        refuse("--interactive needs standard input for the program: give it a FILE");
    for (const auto& file : options.files) {
        if (file == "-") refuse("--files takes names of files, not -");
    }
}

// The interface carries text. What cannot be said is refused rather than changed.
void refuse_bytes(const Program& program) {
    if (program.input && !is_utf8(*program.input))
        refuse(
            "standard input is no UTF-8, which is all that can be sent as input; --files takes "
            "any bytes");
    for (const auto& argument : program.arguments) {
        if (!is_utf8(argument))
            refuse("the argument " + printable(argument) +
                   " is no UTF-8, which is all that can be "
                   "sent");
    }
}

}  // namespace

Limits limits_of(const RunOptions& options) {
    Limits limits;
    add_time(limits, "run_timeout", "--run-timeout", options.run_timeout);
    add_time(limits, "compile_timeout", "--compile-timeout", options.compile_timeout);
    add_time(limits, "run_cpu_time", "--run-cpu-time", options.run_cpu_time);
    add_time(limits, "compile_cpu_time", "--compile-cpu-time", options.compile_cpu_time);
    add_size(limits, "run_memory_limit", "--run-memory-limit", options.run_memory_limit);
    add_size(limits, "compile_memory_limit", "--compile-memory-limit",
             options.compile_memory_limit);
    return limits;
}

std::vector<std::string> names_in_box(const std::vector<std::string>& paths,
                                      const std::string& working_directory) {
    std::vector<std::string> names;
    std::set<std::string> taken;
    for (const auto& path : paths) {
        if (path == "-") {
            names.emplace_back();
            continue;
        }
        names.push_back(paths.size() == 1 ? fs::path{path}.filename().string()
                                          : name_from_here(path, working_directory));
        if (names.back().empty() || names.back() == ".") refuse(printable(path) + " names no file");
        if (!taken.insert(names.back()).second)
            refuse("two files would be called " + printable(names.back()) + " in the box");
    }
    return names;
}

Program read_program(const RunOptions& options) {
    refuse_contradictions(options);
    auto paths = options.files;
    paths.insert(paths.begin(), options.file);
    const auto names = names_in_box(paths, fs::current_path());
    Program program{.language = options.language,
                    .version = options.version,
                    .files = {},
                    .arguments = options.arguments,
                    .input = std::nullopt,
                    .limits = limits_of(options)};
    for (std::size_t i = 0; i < paths.size(); ++i) {
        auto content = paths[i] == "-" ? read_standard_input() : sys::read_file(paths[i]);
        program.files.push_back({.name = names[i], .content = std::move(content)});
    }
    // An interactive run sends it as it comes.
    if (options.standard_input && !options.interactive) program.input = read_standard_input();
    refuse_bytes(program);
    return program;
}

std::string execute_body(const Program& program) {
    return "{" + keys_of(program) + "}";
}

std::string init_message(const Program& program, const std::optional<WindowSize>& terminal) {
    auto text = R"({"type":"init",)" + keys_of(program);
    if (terminal)
        text += R"(,"pty":{"rows":)" + std::to_string(terminal->rows) + R"(,"cols":)" +
                std::to_string(terminal->columns) + "}";
    return text + "}";
}

std::string input_message(std::string_view bytes) {
    std::string text = R"({"type":"data","stream":"stdin","data":)";
    wire::append_json_text(text, bytes);
    return text + "}";
}

// With data as well: a Piston knows no "eof", and would take missing data for a mistake.
std::string end_of_input_message() {
    return R"({"type":"data","stream":"stdin","data":"","eof":true})";
}

std::string signal_message(std::string_view name) {
    std::string text = R"({"type":"signal","signal":)";
    wire::append_json_text(text, name);
    return text + "}";
}

std::string resize_message(WindowSize size) {
    return R"({"type":"resize","rows":)" + std::to_string(size.rows) + R"(,"cols":)" +
           std::to_string(size.columns) + "}";
}

}  // namespace cli
