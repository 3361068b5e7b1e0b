#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "api/cli/arguments.h"
#include "api/cli/completion.h"

namespace {

using cli::CommandShape;
using cli::Shell;
using cli::Word;

const CommandShape sample{
    .name = "tool",
    .aliases = {},
    .summary = "",
    .options = {{.names = {"--config", "-c"}, .summary = "It's \\ a file", .value = Word::file},
                {.names = {"--quiet"}, .summary = "Say less", .value = Word::none}},
    .arguments = {},
    .commands = {{.name = "put",
                  .aliases = {"p"},
                  .summary = "Put: things",
                  .options = {{.names = {"--with"}, .summary = "More", .value = Word::other}},
                  .arguments = {Word::package},
                  .commands = {}},
                 {.name = "deep",
                  .aliases = {},
                  .summary = "Below",
                  .options = {},
                  .arguments = {},
                  .commands = {{.name = "drop",
                                .aliases = {"d"},
                                .summary = "Drop",
                                .options = {},
                                .arguments = {Word::installed},
                                .commands = {}}}}},
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

const CommandShape* find(const CommandShape& shape, const std::string& name) {
    for (const auto& command : shape.commands) {
        if (command.name == name) return &command;
    }
    return nullptr;
}

}  // namespace

TEST_CASE("every script walks to the place of a command by any of its names") {
    const auto bash = cli::completion_script(sample, Shell::bash);
    CHECK(has(bash, "'/put'|'/p') place='/put'; continue ;;"));
    CHECK(has(bash, "'/deep/drop'|'/deep/d') place='/deep/drop'; continue ;;"));
    CHECK(has(bash, "complete -F _tool tool"));
    const auto zsh = cli::completion_script(sample, Shell::zsh);
    CHECK(zsh.starts_with("#compdef tool\n"));
    CHECK(has(zsh, "'/deep/drop'|'/deep/d') place='/deep/drop'; continue ;;"));
    const auto fish = cli::completion_script(sample, Shell::fish);
    CHECK(has(fish, "case '/deep/drop' '/deep/d'\n                set place '/deep/drop'"));
}

TEST_CASE("every script skips the values of options and asks the tool for names") {
    const auto bash = cli::completion_script(sample, Shell::bash);
    CHECK(has(bash, "--config|-c|--with) ((index++)) ;;"));
    CHECK(has(bash, "words=$(_tool_names)"));
    CHECK(has(bash, "words=$(_tool_names --installed)"));
    const auto zsh = cli::completion_script(sample, Shell::zsh);
    CHECK(has(zsh, "--config|-c|--with) ((index++)) ;;"));
    CHECK(has(zsh, "names=(${(f)\"$(_tool_names --installed)\"})"));
    const auto fish = cli::completion_script(sample, Shell::fish);
    CHECK(has(fish, "case '*/--config' '*/-c' '*/--with'\n                set skip yes"));
    CHECK(has(fish, "-n '__tool_at \\'/deep/drop\\'' -a '(__tool_names --installed)'"));
}

TEST_CASE("summaries are quoted as each shell reads quotes") {
    const auto zsh = cli::completion_script(sample, Shell::zsh);
    CHECK(has(zsh, R"('--config:It'\''s \ a file')"));
    CHECK(has(zsh, "'put:Put: things'"));
    const auto fish = cli::completion_script(sample, Shell::fish);
    CHECK(has(fish, R"(complete -c tool -l config -s c -r -F -d 'It\'s \\ a file')"));
    CHECK(has(fish, "complete -c tool -l quiet -d 'Say less'"));
}

TEST_CASE("what is completed is what the command line takes") {
    const auto shape = cli::shape();
    CHECK(shape.name == "crankcase");
    for (const std::string name :
         {"run", "list", "search", "info", "install", "uninstall", "upgrade", "spec", "verify",
          "gc", "bundle", "base", "test", "ppman", "runtimes", "completion", "config"}) {
        CAPTURE(name);
        CHECK(find(shape, name) != nullptr);
    }
    const auto* run = find(shape, "run");
    REQUIRE(run);
    CHECK(run->aliases == std::vector<std::string>{"execute"});
    CHECK(run->arguments == std::vector<Word>{Word::other, Word::file, Word::other});
    const auto* uninstall = find(shape, "uninstall");
    REQUIRE(uninstall);
    CHECK(uninstall->aliases == std::vector<std::string>{"remove", "rm"});
    CHECK(uninstall->arguments == std::vector<Word>{Word::installed});
    const auto* bundle = find(shape, "bundle");
    REQUIRE(bundle);
    CHECK(bundle->arguments == std::vector<Word>{Word::file, Word::package});
    const auto* ppman = find(shape, "ppman");
    REQUIRE(ppman);
    CHECK(ppman->commands.size() == 4);
    const auto* completion = find(shape, "completion");
    REQUIRE(completion);
    CHECK(completion->arguments == std::vector<Word>{Word::shell});
    const auto script = cli::completion_script(shape, Shell::bash);
    CHECK(has(script, "'/uninstall'|'/remove'|'/rm') place='/uninstall'; continue ;;"));
}

TEST_CASE("Piston's names of options are understood and not offered") {
    const auto shape = cli::shape();
    const auto* run = find(shape, "run");
    REQUIRE(run);
    std::set<std::string> understood;
    for (const auto& option : run->options)
        understood.insert(option.names.begin(), option.names.end());
    for (const auto shell : {Shell::bash, Shell::zsh, Shell::fish}) {
        const auto script = cli::completion_script(shape, shell);
        CHECK(has(script, "run-timeout"));
        CHECK(!has(script, "\n--run_timeout"));
        CHECK(!has(script, "'--run_timeout:"));
        CHECK(!has(script, "-l run_timeout"));
    }
    for (const std::string name : {"--rt", "--run_timeout", "--ct", "--compile_timeout",
                                   "--language_version", "--run-timeout", "-s"}) {
        CAPTURE(name);
        CHECK(understood.contains(name));
    }
}

TEST_CASE("a command line that makes no sense is refused before anything is done") {
    using Words = std::vector<std::string>;
    const Words rows[] = {{},
                          {"frob"},
                          {"install", "--frob"},
                          {"uninstall"},
                          {"base"},
                          {"list", "--installed", "--upgradable"},
                          {"completion", "tcsh"}};
    for (auto words : rows) {
        words.insert(words.begin(), "crankcase");
        CAPTURE(words.back());
        std::vector<char*> argv;
        for (auto& word : words) argv.push_back(word.data());
        argv.push_back(nullptr);
        const auto line = cli::read_line(static_cast<int>(words.size()), argv.data());
        CHECK(line.finished == cli::ExitCode::usage);
    }
}

TEST_CASE("options of the program may stand behind the command, and lists take one word each") {
    std::vector<std::string> words{"crankcase", "install", "php", "--set",  "a=1", "lua",
                                   "--set",     "b=2",     "-q",  "--with", "x,y"};
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const auto line = cli::read_line(static_cast<int>(words.size()), argv.data());
    CHECK(!line.finished);
    CHECK(line.global.settings == std::vector<std::string>{"a=1", "b=2"});
    CHECK(line.global.quiet);
    CHECK(line.command != nullptr);
}
