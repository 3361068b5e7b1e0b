#include "api/cli/run_arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iterator>

namespace cli {

namespace {

constexpr const char* help_of_the_end =
    R"(Options stand before FILE; everything behind it is the program's, whatever it looks like.
The program's output is this command's, and so is its exit code; what a compiler says goes
to standard error. MS is milliseconds, or a time with a unit, such as 500ms or 3s; SIZE is
bytes, or such as 64MiB. An engine's own limits are what they are without such options, and
the most that can be asked for.

Exit codes:
  the program's own; 128+n if signal n ended it; the compiler's if it does not compile
  124  a time limit ended it            137  an output limit or SIGKILL ended it
    1  no engine answers, or it refuses, or its sandbox fails
    2  the command line is wrong          3  there is no such address at the engine
    4  the engine is busy                77  not permitted
  130, 143  stopped by ^C, by SIGTERM
Whatever is not the program's doing is told in a line "crankcase: ..." on standard error.

Examples:
  crankcase run python hello.py
  echo 3 4 | crankcase run -i -f numbers.h --run-timeout 1s c++ sum.cpp -- --verbose)";

struct Named {
    const char* names;
    const char* alias;  // Piston's; understood and not shown
    std::string& value;
    const char* type;
    const char* help;
};

void add(CLI::App& app, const Named& option) {
    app.add_option(option.names, option.value, option.help)->type_name(option.type);
    if (option.alias) app.add_option(option.alias, option.value)->group("")->type_name(option.type);
}

void add_limits(CLI::App& app, RunOptions& options) {
    const Named limits[] = {
        {"-r,--run-timeout", "--rt,--run_timeout", options.run_timeout, "MS",
         "The longest the program may run, by the clock on the wall"},
        {"-c,--compile-timeout", "--ct,--compile_timeout", options.compile_timeout, "MS",
         "The same for its compiler"},
        {"--run-cpu-time", nullptr, options.run_cpu_time, "MS",
         "The most processor time the program may use"},
        {"--compile-cpu-time", nullptr, options.compile_cpu_time, "MS",
         "The same for its compiler"},
        {"--run-memory-limit", nullptr, options.run_memory_limit, "SIZE",
         "The most memory the program may use"},
        {"--compile-memory-limit", nullptr, options.compile_memory_limit, "SIZE",
         "The same for its compiler"},
    };
    for (const auto& limit : limits) add(app, limit);
}

bool is_option(const std::string& word) {
    return word.size() > 1 && word.front() == '-';
}

const CommandShape* find_command(const CommandShape& root, const std::string& name) {
    const auto found = std::ranges::find_if(root.commands, [&](const CommandShape& command) {
        return command.name == name ||
               std::ranges::find(command.aliases, name) != command.aliases.end();
    });
    return found == root.commands.end() ? nullptr : &*found;
}

// Whether the word behind this option is its value: it takes one, and has none attached to it, as
// in
// "--url=X" and "-uX".
bool takes_next(const CommandShape& shape, const std::string& word) {
    const bool is_long = word.starts_with("--");
    for (const auto& option : shape.options) {
        for (const auto& name : option.names) {
            if (name == word) return option.value != Word::none;
            if (!is_long && word.starts_with(name)) {
                // "-iq" is -i and another one.
                if (option.value != Word::none) return false;
                return takes_next(shape, "-" + word.substr(2));
            }
        }
    }
    return false;
}

bool knows(const CommandShape& shape, const std::string& word) {
    const auto first = word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
    return std::ranges::any_of(shape.options, [&](const OptionShape& option) {
        return std::ranges::find(option.names, first) != option.names.end();
    });
}

}  // namespace

void add_run_options(CLI::App& app, RunOptions& options) {
    app.add_option("LANG", options.language, "The language or one of its aliases (see runtimes)")
        ->required()
        ->type_name("LANG")
        ->option_text(" ");
    app.add_option("FILE", options.file, "The program; - is standard input")
        ->required()
        ->type_name(file_word)
        ->option_text(" ");
    // Only for the help: these words never come here (take_program_arguments).
    app.add_option("ARGS", options.arguments, "Arguments of the program")
        ->type_name("ARG")
        ->option_text("...");
    add(app, {"-l,--language-version", "--language_version", options.version, "RANGE",
              "Versions that will do, such as 3.11 or >=18; the newest is taken (default: *)"});
    app.add_flag("-i,--stdin", options.standard_input,
                 "Read standard input to its end and give it to the program");
    app.add_option("-f,--files", options.files,
                   "One more file beside the program; may be given several times")
        ->type_name(file_word)
        ->option_text(file_word)
        ->allow_extra_args(false);
    app.add_flag("-t,--interactive", options.interactive,
                 "Talk to the program while it runs: keys, the window's size and signals are its");
    add_limits(app, options);
    app.add_flag("--status", options.status,
                 "Say on standard error which runtime was taken and which stage begins");
    app.add_flag("-s", options.status)->group("");
    app.add_flag("--json", options.json, "Print the engine's answer as it is");
    app.footer(help_of_the_end);
}

std::vector<std::string> take_program_arguments(const CommandShape& root,
                                                std::vector<std::string>& words) {
    constexpr int places_before = 3;  // run LANG FILE
    const CommandShape* command = nullptr;
    int places = 0;
    bool only_places = false;
    auto word = words.begin();
    for (; word != words.end() && places < places_before; ++word) {
        if (!only_places && *word == "--") {
            only_places = true;
        } else if (!only_places && is_option(*word)) {
            const auto& shape = command && knows(*command, *word) ? *command : root;
            if (takes_next(shape, *word) && std::next(word) != words.end()) ++word;
        } else if (++places == 1) {
            command = find_command(root, *word);
            if (!command || command->name != "run") return {};
        }
    }
    const auto end_of_ours = word;
    if (word != words.end() && *word == "--") ++word;
    std::vector<std::string> arguments{word, words.end()};
    words.erase(end_of_ours, words.end());
    return arguments;
}

}  // namespace cli
