#include "api/cli/completion.h"

#include <algorithm>
#include <set>

#include "api/cli/text.h"

// All three scripts work alike. They walk over the words in front of the cursor to find the place,
// "" at first, "/list" behind `list` or `ls`, "/ppman/list" behind `ppman l`; words that are values
// of options are skipped. What can follow depends on the place alone.

namespace cli {

namespace {

struct Place {
    std::string path;
    const CommandShape* shape;
};

// The root first, then every command.
std::vector<Place> places_of(const CommandShape& shape, const std::string& path = {}) {
    std::vector<Place> places{{path, &shape}};
    for (const auto& command : shape.commands) {
        for (auto& place : places_of(command, path + "/" + command.name))
            places.push_back(std::move(place));
    }
    return places;
}

// In single quotes of a shell; fish reads backslashes in them, the others do not.
std::string in_quotes(const std::string& text, Shell shell) {
    std::string result = "'";
    for (const char letter : text) {
        if (letter == '\'')
            result += shell == Shell::fish ? "\\'" : "'\\''";
        else if (letter == '\\' && shell == Shell::fish)
            result += "\\\\";
        else
            result += letter;
    }
    return result + "'";
}

std::vector<std::string> names_of(const CommandShape& command) {
    auto names = command.aliases;
    names.insert(names.begin(), command.name);
    return names;
}

// Names of all options whose value is of one of these kinds.
std::vector<std::string> options_taking(const std::vector<Place>& places,
                                        const std::set<Word>& kinds) {
    std::vector<std::string> names;
    for (const auto& place : places) {
        for (const auto& option : place.shape->options) {
            if (!kinds.contains(option.value)) continue;
            for (const auto& name : option.names) {
                if (std::ranges::find(names, name) == names.end()) names.push_back(name);
            }
        }
    }
    return names;
}

// The options that can stand at a place: its own and those of the whole program.
std::vector<OptionShape> options_at(const Place& place, const CommandShape& root) {
    auto options = place.shape->options;
    if (place.shape != &root)
        options.insert(options.end(), root.options.begin(), root.options.end());
    std::erase_if(options, [](const OptionShape& option) { return option.hidden; });
    return options;
}

bool takes(const Place& place, Word word) {
    return std::ranges::find(place.shape->arguments, word) != place.shape->arguments.end();
}

const std::set<Word> valued{Word::other, Word::file, Word::package, Word::installed, Word::shell};

std::string with_words(std::string text, const std::string& program) {
    for (auto at = text.find("@@"); at != std::string::npos; at = text.find("@@", at))
        text.replace(at, 2, program);
    return text;
}

// ---- bash and zsh -------------------------------------------------------------------------------

// The lines of a `case` that turn a place and a word into the next place.
std::string walk(const std::vector<Place>& places, Shell shell) {
    std::string lines;
    for (const auto& place : places) {
        for (const auto& command : place.shape->commands) {
            std::vector<std::string> patterns;
            for (const auto& name : names_of(command))
                patterns.push_back(in_quotes(place.path + "/" + name, shell));
            lines += "            " + joined(patterns, "|") +
                     ") place=" + in_quotes(place.path + "/" + command.name, shell) +
                     "; continue ;;\n";
        }
    }
    return lines;
}

std::string skip(const std::vector<Place>& places) {
    const auto names = options_taking(places, valued);
    return names.empty() ? "" : "            " + joined(names, "|") + ") ((index++)) ;;\n";
}

std::string bash_place(const Place& place, const CommandShape& root) {
    std::vector<std::string> words;
    for (const auto& command : place.shape->commands) {
        for (const auto& name : names_of(command)) words.push_back(name);
    }
    if (takes(place, Word::shell)) words.insert(words.end(), {"bash", "zsh", "fish"});
    std::vector<std::string> options;
    for (const auto& option : options_at(place, root))
        options.insert(options.end(), option.names.begin(), option.names.end());
    auto lines = "        " + in_quotes(place.path, Shell::bash) +
                 ")\n            words=" + in_quotes(joined(words, "\n"), Shell::bash) +
                 "\n            options=" + in_quotes(joined(options, "\n"), Shell::bash) + "\n";
    if (takes(place, Word::package)) lines += "            words=$(_@@_names)\n";
    if (takes(place, Word::installed)) lines += "            words=$(_@@_names --installed)\n";
    if (takes(place, Word::file)) lines += "            files=yes\n";
    return lines + "            ;;\n";
}

std::string bash_script(const CommandShape& root) {
    const auto places = places_of(root);
    auto text = std::string{R"(# Completes @@ in bash; printed by `@@ completion bash`.
_@@_names() { command @@ list --names "$@" 2>/dev/null; }

_@@() {
    local IFS=$'\n' current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    local place='' words='' options='' files='' index
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        case "$place/${COMP_WORDS[index]}" in
)"} + walk(places, Shell::bash) +
                R"(        esac
        case "${COMP_WORDS[index]}" in
)" + skip(places) +
                R"(        esac
    done
    case "$before" in
)";
    const auto with_file = options_taking(places, {Word::file});
    const auto with_other = options_taking(places, {Word::other, Word::package, Word::installed});
    if (!with_file.empty()) {
        text += "        " + joined(with_file, "|") +
                ") compopt -o filenames; COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n";
    }
    if (!with_other.empty()) text += "        " + joined(with_other, "|") + ") return ;;\n";
    text += "    esac\n    case \"$place\" in\n";
    for (const auto& place : places) text += bash_place(place, root);
    text += R"(    esac
    if [[ $current == -* ]]; then words=$options files=''; fi
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    if [[ $files ]]; then
        compopt -o filenames
        COMPREPLY+=($(compgen -f -- "$current"))
    fi
}

complete -F _@@ @@
)";
    return with_words(std::move(text), root.name);
}

// "word:what it is": a colon in the word would end it.
std::string zsh_entry(const std::string& word, const std::string& summary) {
    std::string escaped;
    for (const char letter : word) escaped += letter == ':' ? "\\:" : std::string{letter};
    return in_quotes(escaped + ":" + summary, Shell::zsh);
}

std::string zsh_place(const Place& place, const CommandShape& root) {
    std::vector<std::string> words;
    for (const auto& command : place.shape->commands) {
        for (const auto& name : names_of(command))
            words.push_back(zsh_entry(name, command.summary));
    }
    if (takes(place, Word::shell)) words.insert(words.end(), {"bash", "zsh", "fish"});
    std::vector<std::string> options;
    for (const auto& option : options_at(place, root)) {
        for (const auto& name : option.names) options.push_back(zsh_entry(name, option.summary));
    }
    auto lines = "        " + in_quotes(place.path, Shell::zsh) + ")\n            entries=(" +
                 joined(words, " ") + ")\n            options=(" + joined(options, " ") + ")\n";
    if (takes(place, Word::package)) lines += "            names=(${(f)\"$(_@@_names)\"})\n";
    if (takes(place, Word::installed))
        lines += "            names=(${(f)\"$(_@@_names --installed)\"})\n";
    if (takes(place, Word::file)) lines += "            files=yes\n";
    return lines + "            ;;\n";
}

std::string zsh_script(const CommandShape& root) {
    const auto places = places_of(root);
    auto text = std::string{R"(#compdef @@
# Completes @@ in zsh; printed by `@@ completion zsh`.
_@@_names() { command @@ list --names "$@" 2>/dev/null }

_@@() {
    local place='' files='' index
    local -a entries options names
    for ((index = 2; index < CURRENT; index++)); do
        case "$place/$words[index]" in
)"} + walk(places, Shell::zsh) +
                R"(        esac
        case "$words[index]" in
)" + skip(places) +
                R"(        esac
    done
    case "$words[CURRENT-1]" in
)";
    const auto with_file = options_taking(places, {Word::file});
    const auto with_other = options_taking(places, {Word::other, Word::package, Word::installed});
    if (!with_file.empty()) text += "        " + joined(with_file, "|") + ") _files; return ;;\n";
    if (!with_other.empty()) text += "        " + joined(with_other, "|") + ") return ;;\n";
    text += "    esac\n    case \"$place\" in\n";
    for (const auto& place : places) text += zsh_place(place, root);
    text += R"(    esac
    if [[ $words[CURRENT] == -* ]]; then
        _describe -o option options
        return
    fi
    (( $#entries )) && _describe command entries
    (( $#names )) && compadd -a names
    [[ -n $files ]] && _files
}

if [[ $funcstack[1] == _@@ ]]; then _@@ "$@"; else compdef _@@ @@; fi
)";
    return with_words(std::move(text), root.name);
}

// ---- fish ---------------------------------------------------------------------------------------

std::string fish_walk(const std::vector<Place>& places) {
    std::string lines;
    for (const auto& place : places) {
        for (const auto& command : place.shape->commands) {
            std::vector<std::string> patterns;
            for (const auto& name : names_of(command))
                patterns.push_back(in_quotes(place.path + "/" + name, Shell::fish));
            lines += "            case " + joined(patterns, " ") + "\n                set place " +
                     in_quotes(place.path + "/" + command.name, Shell::fish) + "\n";
        }
    }
    std::vector<std::string> patterns;
    for (const auto& name : options_taking(places, valued))
        patterns.push_back(in_quotes("*/" + name, Shell::fish));
    if (!patterns.empty())
        lines += "            case " + joined(patterns, " ") + "\n                set skip yes\n";
    return lines;
}

std::string fish_option(const std::string& start, const OptionShape& option) {
    auto line = start;
    for (const auto& name : option.names) {
        if (name.starts_with("--"))
            line += " -l " + name.substr(2);
        else
            line += " -s " + name.substr(1);
    }
    if (option.value == Word::file)
        line += " -r -F";
    else if (option.value != Word::none)
        line += " -x";
    return line + " -d " + in_quotes(option.summary, Shell::fish) + "\n";
}

std::string fish_place(const Place& place, const CommandShape& root) {
    const auto start = "complete -c @@ -n " +
                       in_quotes("__@@_at " + in_quotes(place.path, Shell::bash), Shell::fish);
    std::string lines;
    for (const auto& command : place.shape->commands) {
        for (const auto& name : names_of(command))
            lines +=
                start + " -a " + name + " -d " + in_quotes(command.summary, Shell::fish) + "\n";
    }
    if (takes(place, Word::package)) lines += start + " -a '(__@@_names)'\n";
    if (takes(place, Word::installed)) lines += start + " -a '(__@@_names --installed)'\n";
    if (takes(place, Word::shell)) lines += start + " -a 'bash zsh fish'\n";
    if (takes(place, Word::file)) lines += start + " -F\n";
    if (place.shape == &root) return lines;
    for (const auto& option : place.shape->options) {
        if (!option.hidden) lines += fish_option(start, option);
    }
    return lines;
}

std::string fish_script(const CommandShape& root) {
    const auto places = places_of(root);
    auto text = std::string{R"(# Completes @@ in fish; printed by `@@ completion fish`.
function __@@_names
    command @@ list --names $argv 2>/dev/null
end

function __@@_at --argument-names wanted
    set -l place ''
    set -l skip no
    set -l words (commandline -opc)
    for word in $words[2..-1]
        if test $skip = yes
            set skip no
            continue
        end
        switch "$place/$word"
)"} + fish_walk(places) +
                R"(        end
    end
    test "$place" = "$wanted"
end

complete -c @@ -f
)";
    for (const auto& option : root.options) text += fish_option("complete -c @@", option);
    for (const auto& place : places) text += fish_place(place, root);
    return with_words(std::move(text), root.name);
}

}  // namespace

std::string completion_script(const CommandShape& root, Shell shell) {
    switch (shell) {
        case Shell::bash:
            return bash_script(root);
        case Shell::zsh:
            return zsh_script(root);
        case Shell::fish:
            return fish_script(root);
    }
    return {};
}

}  // namespace cli
