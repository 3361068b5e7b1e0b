#include "api/cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>

#include "api/cli/run_arguments.h"
#include "api/cli/text.h"
#include "api/resources/version.h"

namespace cli {

namespace {

// How places of the line are called in the help; completion tells them by that.
constexpr const char* name_word = "NAME[=RANGE]";
constexpr const char* installed_word = "INSTALLED[=RANGE]";
constexpr const char* shell_word = "bash|zsh|fish";

// An app with the values its options write to. They live until the command has run.
struct Parser {
    CLI::App app{
        "crankcase - runs programs on the engine for untrusted code, and installs its languages",
        "crankcase"};
    Line line;
    // Of `run`. The command outlives this value.
    std::shared_ptr<std::vector<std::string>> program_arguments =
        std::make_shared<std::vector<std::string>>();

    // A command whose options lie in a value of type Options, which `run` gets.
    template <typename Options, typename Run>
    std::pair<CLI::App*, Options&> command(CLI::App& parent, const char* name, const char* summary,
                                           Run run) {
        auto* sub = parent.add_subcommand(name, summary);
        sub->fallthrough();
        auto options = std::make_shared<Options>();
        sub->callback([this, options, run] {
            line.command = [options, run](Session& session) { return run(session, *options); };
        });
        return {sub, *options};
    }
};

enum class Must { no, yes };

void take_names(CLI::App& app, std::vector<std::string>& names, const char* word, const char* help,
                Must be_given) {
    app.add_option("NAME", names, help)
        ->type_name(word)
        ->option_text(std::string{word}.ends_with(']') ? "[=RANGE] ..." : "...")
        ->required(be_given == Must::yes);
}

void add_global(Parser& parser) {
    auto& app = parser.app;
    auto& global = parser.line.global;
    app.add_option("-c,--config", global.config_file,
                   "Settings (default: /etc/crankcase/crankcase.toml, if it exists)")
        ->type_name(file_word);
    app.add_option("-s,--set", global.settings, "One setting, as for crankcased")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    app.add_option("-u,--url,--piston-url", global.url,
                   "Work with the engine there instead of this machine's store")
        ->type_name("URL");
    app.add_option("--token", global.token, "Its Bearer token; the variable is seen by fewer")
        ->envname("CRANKCASE_TOKEN")
        ->type_name("TOKEN");
    app.add_flag("-q,--quiet", global.quiet, "Say nothing but what was asked for, and errors");
    app.set_version_flag("--version", std::string{"crankcase "} + resources::engine_version);
}

void add_lists(Parser& parser) {
    auto [list_app, lists] = parser.command<ListOptions>(
        parser.app, "list", "List what is installed and what can be", list);
    list_app->alias("ls");
    auto* installed = list_app->add_flag("--installed", lists.installed, "Only what is installed");
    auto* available =
        list_app->add_flag("--available", lists.available, "Only what is not installed");
    list_app->add_flag("--upgradable", lists.upgradable, "Only what there is something newer for")
        ->excludes(installed)
        ->excludes(available);
    installed->excludes(available);
    list_app->add_flag("--names", lists.names, "Names alone, one a line; needs no privilege");
    list_app->add_flag("--json", lists.json, "As JSON");

    auto [search_app, searched] = parser.command<SearchOptions>(
        parser.app, "search", "Look for a word in names, summaries and languages", search);
    search_app->add_option("WORD", searched.word, "What to look for")
        ->required()
        ->type_name("WORD");
    search_app->add_flag("--json", searched.json, "As JSON");

    auto [info_app, asked] =
        parser.command<InfoOptions>(parser.app, "info", "Tell everything about a package", info);
    info_app->add_option("NAME", asked.name, "The package")
        ->required()
        ->type_name(name_word)
        ->option_text("[=RANGE]");
    info_app->add_flag("--json", asked.json, "As JSON");

    auto [runtimes_app, runtime_options] = parser.command<RuntimesOptions>(
        parser.app, "runtimes", "List what the running engine can run", runtimes);
    runtimes_app->add_flag("--json", runtime_options.json, "As JSON");
}

void add_run(Parser& parser) {
    auto [app, options] = parser.command<RunOptions>(
        parser.app, "run", "Run one program on the engine, as if it ran here",
        [program = parser.program_arguments](Session& session, RunOptions chosen) {
            chosen.arguments = *program;
            return run(session, chosen);
        });
    app->alias("execute");
    add_run_options(*app, options);
}

void add_changes(Parser& parser) {
    auto [install_app, installs] = parser.command<InstallOptions>(
        parser.app, "install", "Install packages, and what they need",
        [](Session& session, const InstallOptions& options) {
            return install(session, options, Words::ours);
        });
    take_names(*install_app, installs.names, name_word, "Packages, for example php, or php=8.2",
               Must::no);
    install_app->add_option("--with", installs.libraries, "Libraries to add to the package")
        ->type_name("LIB,LIB");
    install_app
        ->add_option("--from-bundle", installs.bundle,
                     "Take everything from this bundle, nothing from the network")
        ->type_name(file_word);

    using Names = std::vector<std::string>;
    auto [uninstall_app, names] = parser.command<Names>(
        parser.app, "uninstall", "Uninstall packages, and what only they needed",
        [](Session& session, const Names& chosen) {
            return uninstall(session, chosen, Words::ours);
        });
    uninstall_app->alias("remove")->alias("rm");
    take_names(*uninstall_app, names, installed_word,
               "Packages; of several versions the newest goes", Must::yes);

    auto [upgrade_app, upgrades] = parser.command<UpgradeOptions>(
        parser.app, "upgrade", "Install what is newer than what is installed", upgrade);
    take_names(*upgrade_app, upgrades.names, "INSTALLED", "Packages; all if none is named",
               Must::no);
    upgrade_app->add_flag("--replace", upgrades.replace, "Uninstall the older version afterwards");

    auto [spec_app, specs] = parser.command<SpecOptions>(
        parser.app, "spec", "Install and uninstall until a file of rules is met", spec);
    spec_app->add_option("FILE", specs.file, "Rules, one a line: GLOB RANGE; ! takes away")
        ->required()
        ->type_name(file_word);
    spec_app->add_flag("--dry-run", specs.dry_run, "Only print what would be done");
}

void add_care(Parser& parser) {
    auto [verify_app, verified] = parser.command<VerifyOptions>(
        parser.app, "verify", "Compare what is installed with its digests", verify);
    take_names(*verify_app, verified.names, installed_word, "Packages; all if none is named",
               Must::no);
    verify_app->add_flag("--json", verified.json, "As JSON");

    struct Nothing {};
    parser.command<Nothing>(
        parser.app, "gc", "Remove what nobody needs any more",
        [](Session& session, const Nothing&) { return collect_garbage(session); });

    auto [bundle_app, bundles] = parser.command<BundleOptions>(
        parser.app, "bundle", "Write what an installation without a network needs", bundle);
    bundle_app->add_option("FILE", bundles.file, "The tar to write")
        ->required()
        ->type_name(file_word);
    take_names(*bundle_app, bundles.names, name_word, "Packages", Must::yes);

    auto* base = parser.app.add_subcommand("base", "The small root all packages lie on");
    base->fallthrough()->require_subcommand(1);
    auto [create_app, create] = parser.command<BaseOptions>(
        *base, "create", "Install it, or make it again if it is damaged", base_create);
    create_app->add_flag("--force", create.force, "Make it again in any case");

    auto [test_app, tests] = parser.command<TestOptions>(
        parser.app, "test", "Run the packages' own tests on the running engine", test);
    take_names(*test_app, tests.names, installed_word, "Packages", Must::yes);
    test_app->add_flag("--json", tests.json, "As JSON");
}

// Piston's own command line, in its words.
void add_piston(Parser& parser) {
    struct Nothing {};
    using Names = std::vector<std::string>;
    auto* ppman = parser.app.add_subcommand("ppman", "Piston's package manager, as it was");
    ppman->alias("pkg")->fallthrough()->require_subcommand(1);
    parser
        .command<Nothing>(*ppman, "list", "List all packages",
                          [](Session& session, const Nothing&) { return piston_list(session); })
        .first->alias("l");
    auto [install_app, installs] = parser.command<InstallOptions>(
        *ppman, "install", "Install packages", [](Session& session, const InstallOptions& options) {
            return install(session, options, Words::piston);
        });
    install_app->alias("i");
    take_names(*install_app, installs.names, name_word, "Packages", Must::yes);
    auto [uninstall_app, names] = parser.command<Names>(
        *ppman, "uninstall", "Uninstall packages", [](Session& session, const Names& chosen) {
            return uninstall(session, chosen, Words::piston);
        });
    uninstall_app->alias("u");
    take_names(*uninstall_app, names, installed_word, "Packages", Must::yes);
    auto [spec_app, specs] =
        parser.command<SpecOptions>(*ppman, "spec", "Meet a file of rules", spec);
    spec_app->alias("s");
    spec_app->add_option("FILE", specs.file, "Rules")->required()->type_name(file_word);
}

void add_completion(Parser& parser) {
    auto [app, shell] = parser.command<std::string>(
        parser.app, "completion", "Print a script that completes this command's lines",
        [](Session& session, const std::string& name) {
            const auto which = name == "bash"  ? Shell::bash
                               : name == "zsh" ? Shell::zsh
                                               : Shell::fish;
            session.print(completion_script(shape(), which));
            return ExitCode::done;
        });
    app->add_option("SHELL", shell, "For this shell")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}))
        ->type_name(shell_word);
}

void add_config(Parser& parser) {
    auto* config = parser.app.add_subcommand("config", "The settings the engine would start with");
    config->fallthrough()->require_subcommand(1);
    const auto add_listen = [](CLI::App& app, ConfigOptions& options) {
        app.add_option("-l,--listen", options.listen, "As for crankcased")
            ->type_name("ADDRESS:PORT");
    };
    auto [show_app, shown] = parser.command<ConfigOptions>(
        *config, "show", "Tell every value and where it comes from", config_show);
    show_app->add_option("KEY", shown.key, "One setting, or a section")->type_name("KEY");
    show_app->add_flag("--json", shown.json, "As JSON");
    add_listen(*show_app, shown);
    auto [check_app, checked] = parser.command<ConfigOptions>(
        *config, "check", "Say what is wrong with the settings", config_check);
    check_app->add_option("FILE", checked.file, "Instead of the usual file")->type_name(file_word);
    add_listen(*check_app, checked);
}

void add_doctor(Parser& parser) {
    auto [app, options] = parser.command<DoctorOptions>(
        parser.app, "doctor", "Say what is wrong with this machine, and how to mend it", diagnose);
    app->add_flag("--json", options.json, "As JSON");
    app->add_flag("--fix", options.fix, "Remove what earlier engines of this name left");
    app->add_flag("--brief", options.brief, "One line; nothing is tried in a box");
    app->add_flag("--list", options.list, "Names for the setting doctor.override, one a line");
}

void add_keys(Parser& parser) {
    auto* keys = parser.app.add_subcommand("key", "API keys of clients (the setting keys.file)");
    keys->fallthrough()->require_subcommand(1);
    const auto add_file = [](CLI::App& app, KeyOptions& options) {
        app.add_option("--file", options.file, "Instead of the file of the settings")
            ->type_name(file_word);
    };
    const auto add_name = [](CLI::App& app, KeyOptions& options) {
        app.add_option("KEY_NAME", options.name, "What the key is called")
            ->required()
            ->type_name("KEY_NAME");
    };
    auto [create_app, created] = parser.command<KeyOptions>(
        *keys, "create", "Make a key, and print it this once", key_create);
    add_name(*create_app, created);
    add_file(*create_app, created);
    create_app->add_option("--scopes", created.scopes, "What it is for: run, install, admin")
        ->type_name("SCOPE,SCOPE");
    create_app->add_option("--rate", created.rate, "Jobs it may send, for example 10/s or 600/m")
        ->type_name("RATE");
    create_app->add_option("--burst", created.burst, "How many of those at once")
        ->check(CLI::Range(1, 1'000'000))
        ->type_name("JOBS");
    create_app->add_option("--jobs", created.jobs, "Jobs of it that run at once")
        ->check(CLI::Range(1, 1'000'000))
        ->type_name("JOBS");
    auto [list_app, listed] =
        parser.command<KeyOptions>(*keys, "list", "List the keys' names and limits", key_list);
    add_file(*list_app, listed);
    list_app->add_flag("--json", listed.json, "As JSON");
    auto [revoke_app, revoked] =
        parser.command<KeyOptions>(*keys, "revoke", "Take a key away", key_revoke);
    add_name(*revoke_app, revoked);
    add_file(*revoke_app, revoked);
}

std::unique_ptr<Parser> make_parser() {
    auto parser = std::make_unique<Parser>();
    parser->app.require_subcommand(1);
    parser->app.footer(std::string{"The options of crankcase itself go with every command.\n\n"} +
                       exit_codes_help);
    add_global(*parser);
    add_run(*parser);
    add_lists(*parser);
    add_changes(*parser);
    add_care(*parser);
    add_config(*parser);
    add_doctor(*parser);
    add_keys(*parser);
    add_piston(*parser);
    add_completion(*parser);
    return parser;
}

// ---- the same as a plain value ------------------------------------------------------------------

Word word_of(const CLI::Option& option) {
    if (option.get_items_expected_max() == 0) return Word::none;
    const auto type = option.get_type_name();
    if (type.starts_with(name_word)) return Word::package;
    if (type.starts_with("INSTALLED")) return Word::installed;
    if (type.starts_with(file_word)) return Word::file;
    if (type.starts_with(shell_word)) return Word::shell;
    return Word::other;
}

OptionShape shape_of(const CLI::Option& option) {
    OptionShape result{.names = {},
                       .summary = option.get_description(),
                       .value = word_of(option),
                       .hidden = option.get_group().empty()};
    for (const auto& name : option.get_lnames()) result.names.push_back("--" + name);
    for (const auto& name : option.get_snames()) result.names.push_back("-" + name);
    return result;
}

CommandShape shape_of(const CLI::App& app) {
    CommandShape result{.name = app.get_name(),
                        .aliases = app.get_aliases(),
                        .summary = app.get_description(),
                        .options = {},
                        .arguments = {},
                        .commands = {}};
    for (const auto* option : app.get_options()) {
        if (option->get_positional())
            result.arguments.push_back(word_of(*option));
        else
            result.options.push_back(shape_of(*option));
    }
    for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
        result.commands.push_back(shape_of(*sub));
    return result;
}

// A word that is no command makes CLI11 complain that there is none.
std::string complaint_of(const CLI::App& app, const CLI::ParseError& error) {
    const auto rest = app.remaining();
    if (!dynamic_cast<const CLI::RequiredError*>(&error) || !app.get_subcommands().empty() ||
        rest.empty()) {
        return printable(error.what());
    }
    return "there is no command " + printable(rest.front());
}

}  // namespace

Line read_line(int argc, char** argv) {
    const auto parser = make_parser();
    std::vector<std::string> words(argv + 1, argv + std::max(argc, 1));
    *parser->program_arguments = take_program_arguments(shape_of(parser->app), words);
    std::ranges::reverse(words);  // as CLI11 wants them
    try {
        parser->app.parse(std::move(words));
    } catch (const CLI::Success& wish) {  // --help, --version
        parser->app.exit(wish);
        parser->line.finished = ExitCode::done;
    } catch (const CLI::ParseError& error) {
        std::fprintf(stderr, "crankcase: %s (see crankcase --help)\n",
                     complaint_of(parser->app, error).c_str());
        parser->line.finished = ExitCode::usage;
    }
    return parser->line;
}

CommandShape shape() {
    return shape_of(make_parser()->app);
}

}  // namespace cli
