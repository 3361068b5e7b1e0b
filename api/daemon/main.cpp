// crankcased: reads its settings, then stands guard over a keeper and a server.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>

#include "api/daemon/examination.h"
#include "api/daemon/flags.h"
#include "api/daemon/guard.h"
#include "api/daemon/privileges.h"
#include "api/daemon/protect.h"
#include "api/daemon/reload.h"
#include "api/daemon/serve.h"
#include "api/http/unix_socket.h"
#include "api/resources/version.h"
#include "config/settings.h"
#include "config/show.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"

namespace {

using daemon_process::exit_config;
using daemon_process::Flags;

// sysexits.h: what a caller can tell apart.
constexpr int exit_usage = 64;
constexpr int exit_permission = 77;

// Connections and jobs cost descriptors; the limit of a login shell is for people.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(const config::Loaded& loaded, const config::Sources& sources) {
    if (::geteuid() != 0) {
        std::fprintf(
            stderr,
            "crankcased must be started as root, to start containers; it serves as the user %s\n",
            loaded.settings.user.c_str());
        return exit_permission;
    }
    daemon_process::set_log_level(loaded.settings.log_level);
    for (const auto& note : loaded.notes) sys::log(sys::Level::warn, "setting", {{"note", note}});
    raise_descriptor_limit();
    daemon_process::protect_from_oom(loaded.settings.protection);
    sys::free_log_from_readers();
    const auto user = daemon_process::find_user(loaded.settings.user);
    const auto& data = loaded.settings.paths.data_directory;
    daemon_process::make_directory_for(user, data);
    daemon_process::make_directory_for(user, data + "/layers");
#ifdef CRANKCASE_FAIL_POINTS
    sys::make_directories(loaded.settings.paths.run_directory);
    sys::make_fail_control(loaded.settings.paths.run_directory.c_str());
    sys::open_fail_control(loaded.settings.paths.run_directory.c_str());
#endif
    const auto facts = daemon_process::look_at_machine(loaded, user, sources.file);
    if (!daemon_process::may_serve(facts)) return exit_config;
    const int code = daemon_process::stand_guard(loaded.settings, user, [&](sys::UniqueFd keepers) {
        return daemon_process::serve(loaded.settings, sources, user, std::move(keepers));
    });
    http::remove_dead_socket(loaded.settings.server.socket);
    return code;
}

int act(const Flags& flags) {
    if (!flags.complaint.empty()) {
        std::fprintf(stderr, "crankcased: %s\n", flags.complaint.c_str());
        return exit_usage;
    }
    if (flags.action == Flags::Action::help) return std::fputs(daemon_process::usage, stdout), 0;
    if (flags.action == Flags::Action::version)
        return std::printf("crankcased %s\n", resources::engine_version), 0;
    const auto sources = config::process_sources(flags.config_file, flags.settings);
    const auto loaded = config::load(sources);
    if (flags.action == Flags::Action::show)
        return std::fputs(config::text_of(loaded.shown).c_str(), stdout), 0;
    if (flags.action == Flags::Action::check) return std::puts("the settings are good"), 0;
    return run(loaded, sources);
}

}  // namespace

int main(int argc, char** argv) {
    // What we were started with is not for our children: a descriptor that a container inherits is
    // a leak.
    ::syscall(SYS_close_range, 3U, ~0U, 0U);
    try {
        return act(daemon_process::read_flags(argc, argv));
    } catch (const config::PistonSettingsError& error) {
        std::fprintf(stderr, "crankcased: %s\n", error.what());
        return 1;  // as Piston does
    } catch (const config::SettingsError& error) {
        std::fprintf(stderr, "crankcased: %s\n", error.what());
        return exit_config;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "crankcased: %s\n", error.what());
        return 1;
    }
}
