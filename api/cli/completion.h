// Scripts that complete the tool's command line in bash, zsh and fish, made from the table of its
// commands. Pure: the table comes from arguments.cpp, so a command cannot be forgotten here.
//
// Names of packages are asked of the tool itself, by `crankcase list --names`, each time.
#pragma once

#include <string>
#include <vector>

namespace cli {

// What stands in a place of the command line.
enum class Word { none, other, file, package, installed, shell };

struct OptionShape {
    std::vector<std::string> names;  // "--quiet", "-q"
    std::string summary;
    Word value = Word::none;  // none: a switch
    bool hidden = false;      // understood, but not offered

    bool operator==(const OptionShape&) const = default;
};

struct CommandShape {
    std::string name;
    std::vector<std::string> aliases;
    std::string summary;
    std::vector<OptionShape> options;
    std::vector<Word> arguments;  // the last may be repeated
    std::vector<CommandShape> commands;

    bool operator==(const CommandShape&) const = default;
};

enum class Shell { bash, zsh, fish };

// The whole script for the program `root` describes. Options of the root go with every command.
std::string completion_script(const CommandShape& root, Shell shell);

}  // namespace cli
