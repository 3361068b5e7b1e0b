// One run of the tool: its settings, its outputs, and whom it works with. Made in main; everything
// is opened when a command first asks for it, so that `completion` needs no store and no engine.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/cli/interrupt.h"
#include "api/cli/local.h"
#include "api/cli/progress.h"
#include "api/cli/remote.h"
#include "api/cli/terminal.h"
#include "config/settings.h"

namespace cli {

// What is said in front of or behind any command.
struct Global {
    std::string config_file;            // empty: the default place, if it is there
    std::vector<std::string> settings;  // "KEY=VALUE"
    std::string url;                    // empty: this machine's store
    std::string token;
    bool quiet = false;

    bool operator==(const Global&) const = default;
};

class Session {
public:
    explicit Session(Global global);

    // Throws config::SettingsError.
    const config::Settings& settings();
    // The same with where each value came from, and what was said without effect.
    const config::Loaded& loaded();
    // The file they are read from, whether it is there or not.
    std::string config_file() const;
    // More settings of the line, as --set gives them. Before they are first asked for.
    void add_setting(std::string setting) { global_.settings.push_back(std::move(setting)); }
    // Another file than that of --config. Likewise.
    void read_settings_from(std::string file) { global_.config_file = std::move(file); }

    bool remote() const { return !global_.url.empty(); }
    // Throws Failure{usage} with --url: "<command> works on …".
    void refuse_remote(const std::string& command) const;

    // Offline installations take everything from the cache. Decided before local() is first called.
    void stay_offline() { offline_ = true; }

    // The store, as the engine's user from here on. A command opens its own files before.
    Local& local();
    // local(), or the engine of --url.
    Backend& backend();
    // The engine of --url, or the one these settings start.
    Rest engine();

    // Directories of recipes, those of the settings or beside the program; needs no privilege.
    std::vector<std::string> recipe_directories();

    // Stopped by ^C. After local(), backend() or engine(): a thread starts here.
    std::stop_token stop();

    const Terminal& terminal() const { return terminal_; }
    packages::ProgressSink progress();

    // To standard output: what was asked for, and (unless quiet) what was done.
    void print(std::string_view text);
    void say(const std::string& sentence);
    // To standard error: "crankcase: <sentence>".
    void complain(const std::string& sentence);
    // The sentence alone, as Piston's tool does it.
    void complain_plainly(const std::string& sentence);
    // Colours of a text for print().
    std::string paint(std::string_view text, Tint tint) const;

private:
    void become_user_if_root();

    Global global_;
    Terminal terminal_;
    ProgressDisplay display_;
    std::optional<config::Loaded> loaded_;
    bool offline_ = false;
    std::optional<Interrupt> interrupt_;
    std::optional<Local> local_;
    std::optional<Remote> remote_;
};

}  // namespace cli
