#include "api/cli/session.h"

#include <unistd.h>

#include <cstdio>

#include "api/cli/failure.h"
#include "api/cli/text.h"
#include "isolate/keeper_process.h"
#include "isolate/sys/error.h"

namespace cli {

namespace {

config::Sources sources_of(const Global& global) {
    std::vector<std::pair<std::string, std::string>> flags;
    for (const auto& setting : global.settings) {
        const auto equals = setting.find('=');
        if (equals == std::string::npos)
            throw Failure(ExitCode::usage, "--set takes KEY=VALUE, not " + printable(setting));
        flags.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
    }
    return config::process_sources(global.config_file, std::move(flags));
}

// Of the engine that these settings start.
std::string own_url(const config::Server& server) {
    const bool is_alone = server.listen == "none" && !server.socket.empty();
    return is_alone ? "unix:" + server.socket : url_of_listen(server.listen);
}

ProgressDisplay::Manner manner_of(const Global& global, const Terminal& terminal) {
    if (global.quiet) return ProgressDisplay::Manner::quiet;
    return terminal.drawing ? ProgressDisplay::Manner::drawn : ProgressDisplay::Manner::lines;
}

}  // namespace

Session::Session(Global global)
    : global_(std::move(global)),
      terminal_(look_at_terminal()),
      display_(manner_of(global_, terminal_), stderr, terminal_.width) {}

const config::Settings& Session::settings() {
    return loaded().settings;
}

const config::Loaded& Session::loaded() {
    if (!loaded_) loaded_ = config::load(sources_of(global_));
    return *loaded_;
}

void Session::refuse_remote(const std::string& command) const {
    if (remote())
        throw Failure(ExitCode::usage,
                      command + " works on this machine's packages only, not with --url");
}

Local& Session::local() {
    if (!local_) {
        const bool runs = engine_runs(settings());
        auto installer = packages::installer_settings(settings(), "");
        installer.recipe_directories = recipe_directories();
        installer.offline = installer.offline || offline_;
        make_data_directory(settings());
        become_engine_user(settings());
        local_.emplace(settings(), std::move(installer), runs);
    }
    return *local_;
}

// Bytes from a network do not meet root, if there is anybody else to be.
void Session::become_user_if_root() {
    if (::geteuid() != 0) return;
    try {
        become_engine_user(settings());
    } catch (const sys::Error& error) {
        if (error.kind() != sys::Kind::not_found) throw;
    }
}

std::string Session::config_file() const {
    return config::process_sources(global_.config_file, {}).file;
}

Backend& Session::backend() {
    if (!remote()) return local();
    if (!remote_) {
        auto rest = engine();
        remote_.emplace(std::move(rest), stop());
    }
    return *remote_;
}

Rest Session::engine() {
    auto url = remote() ? base_url(global_.url) : own_url(settings().server);
    become_user_if_root();
    return {std::move(url), global_.token};
}

std::vector<std::string> Session::recipe_directories() {
    auto directories = std::vector{settings().paths.recipes};
    if (directories.front().empty()) {
        // Beside the program in a build tree, in /usr/share when installed.
        const auto beside = isolate::program_directory() + "/../share/crankcase/recipes";
        const bool there = ::access(beside.c_str(), R_OK) == 0;
        directories.front() = there ? beside : "/usr/share/crankcase/recipes";
    }
    const auto& own = settings().packages.recipes;
    if (!own.empty()) directories.push_back(own);
    return directories;
}

std::stop_token Session::stop() {
    if (!interrupt_) interrupt_.emplace();
    return interrupt_->token();
}

packages::ProgressSink Session::progress() {
    return [this](const packages::Progress& progress) { display_.show(progress); };
}

void Session::print(std::string_view text) {
    display_.clear();
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void Session::say(const std::string& sentence) {
    if (!global_.quiet) print(sentence + "\n");
}

void Session::complain(const std::string& sentence) {
    complain_plainly("crankcase: " + sentence);
}

void Session::complain_plainly(const std::string& sentence) {
    display_.clear();
    std::fprintf(stderr, "%s\n", sentence.c_str());
}

std::string Session::paint(std::string_view text, Tint tint) const {
    return painted(text, tint, terminal_.colours);
}

}  // namespace cli
