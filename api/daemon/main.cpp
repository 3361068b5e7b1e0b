// crankcased: reads its settings, then stands guard over a keeper and a server.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>

#include "api/daemon/flags.h"
#include "api/daemon/guard.h"
#include "api/daemon/privileges.h"
#include "api/daemon/serve.h"
#include "api/resources/version.h"
#include "config/settings.h"
#include "isolate/sys/log.h"

namespace {

using daemon_process::Flags;

// sysexits.h: what a caller can tell apart.
constexpr int exit_usage = 64;
constexpr int exit_permission = 77;
constexpr int exit_config = 78;

constexpr const char* default_file = "/etc/crankcase/crankcase.toml";

config::Loaded load_settings(const Flags& flags) {
    return config::load({
        .file = flags.config_file.empty() ? default_file : flags.config_file,
        .file_must_exist = !flags.config_file.empty(),
        .variable = [](const std::string& name) -> std::optional<std::string> {
            const char* value = std::getenv(name.c_str());
            return value ? std::optional<std::string>{value} : std::nullopt;
        },
        .flags = flags.settings,
    });
}

void set_log_level(config::LogLevel level) {
    switch (level) {
        case config::LogLevel::debug:
            return sys::set_log_level(sys::Level::debug);
        case config::LogLevel::info:
            return sys::set_log_level(sys::Level::info);
        case config::LogLevel::warn:
            return sys::set_log_level(sys::Level::warn);
        case config::LogLevel::error:
            return sys::set_log_level(sys::Level::error);
        case config::LogLevel::none:
            return sys::log_nothing();
    }
}

void show(const config::Loaded& loaded) {
    for (const auto& [key, value, origin, help] : loaded.shown) {
        std::printf("%-32s = %-20s # %s\n", key.c_str(), value.c_str(), origin.c_str());
    }
}

// Connections and jobs cost descriptors; the limit of a login shell is for people.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const config::Loaded& loaded) {
    if (::geteuid() != 0) {
        std::fprintf(
            stderr,
            "crankcased must be started as root, to start containers; it serves as the user %s\n",
            loaded.settings.user.c_str());
        return exit_permission;
    }
    set_log_level(loaded.settings.log_level);
    for (const auto& note : loaded.notes) sys::log(sys::Level::warn, "setting", {{"note", note}});
    raise_descriptor_limit();
    const auto user = daemon_process::find_user(loaded.settings.user);
    const auto& data = loaded.settings.paths.data_directory;
    daemon_process::make_directory_for(user, data);
    daemon_process::make_directory_for(user, data + "/layers");
    return daemon_process::stand_guard(loaded.settings, user, [&](sys::UniqueFd keepers) {
        return daemon_process::serve(loaded.settings, user, std::move(keepers));
    });
}

int act(const Flags& flags) {
    if (!flags.complaint.empty()) {
        std::fprintf(stderr, "crankcased: %s\n", flags.complaint.c_str());
        return exit_usage;
    }
    if (flags.action == Flags::Action::help) return std::fputs(daemon_process::usage, stdout), 0;
    if (flags.action == Flags::Action::version)
        return std::printf("crankcased %s\n", resources::engine_version), 0;
    const auto loaded = load_settings(flags);
    if (flags.action == Flags::Action::show) return show(loaded), 0;
    if (flags.action == Flags::Action::check) return std::puts("the settings are good"), 0;
    return run(loaded);
}

}  // namespace

int main(int argc, char** argv) {
    // What we were started with is not for our children: a descriptor that a container inherits is
    // a leak.
    ::syscall(SYS_close_range, 3U, ~0U, 0U);
    try {
        return act(daemon_process::read_flags(argc, argv));
    } catch (const config::SettingsError& error) {
        std::fprintf(stderr, "crankcased: %s\n", error.what());
        return exit_config;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "crankcased: %s\n", error.what());
        return 1;
    }
}
