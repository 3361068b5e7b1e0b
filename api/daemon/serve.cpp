#include "api/daemon/serve.h"

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "api/daemon/data_files.h"
#include "api/daemon/examination.h"
#include "api/daemon/installed.h"
#include "api/daemon/privileges.h"
#include "api/daemon/protect.h"
#include "api/daemon/pulse.h"
#include "api/daemon/reload.h"
#include "api/http/server.h"
#include "api/http/unix_socket.h"
#include "api/resources/routes.h"
#include "isolate/pool.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"
#include "isolate/sys/notify.h"

namespace daemon_process {

namespace {

// One heap for all threads, whose pages stay when they are freed. A megabyte of input passes
// through five buffers of that size, mostly on other threads than the last job's: left alone,
// malloc gives each of them back to the kernel and faults it in again, a third of the time such a
// job takes (mallopt(3); the io_1m rows of scripts/bench).
void keep_freed_memory() {
    constexpr int mebibyte = 1 << 20;
    ::mallopt(M_ARENA_MAX, 1);
    ::mallopt(M_MMAP_THRESHOLD, 32 * mebibyte);
    ::mallopt(M_TRIM_THRESHOLD, 32 * mebibyte);
}

// Jobs that run when the engine is told to stop get this long; then their runners are taken away.
constexpr auto drain_patience = std::chrono::seconds{10};

sigset_t control_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&set, number);
    return set;
}

// As root, who may write to /run; empty if the settings name none.
sys::UniqueFd make_unix_socket(const config::Server& settings, const isolate::DaemonUser& user) {
    if (settings.socket.empty()) return {};
    constexpr int octal = 8;
    const auto group = settings.socket_group.empty() ? user.gid : find_group(settings.socket_group);
    return http::listen_on_path(
        settings.socket,
        {.owner = user.uid,
         .group = group,
         .mode = static_cast<mode_t>(std::stoul(settings.socket_mode, nullptr, octal))});
}

// Until told to stop. A reload changes what new jobs see; running ones keep what they started with.
void wait_for_signals(const sigset_t& signals, const sys::ServiceManager& manager,
                      Reloadable parts) {
    for (int number = 0; ::sigwait(&signals, &number) == 0;) {
        if (number != SIGHUP) return sys::log(sys::Level::info, "stopping", {{"signal", number}});
        manager.reloading();
        reload(parts);
        manager.ready(parts.policy.get()->settings.server.listen);
    }
}

// Whether the threads of the engine get on: those that listen, read and write answer a question,
// and nobody keeps the pool or the queue to himself.
bool is_alive(const config::Settings& settings, const http::Server& server,
              const isolate::Pool& pool, const engine::Admission& admission) {
    constexpr auto patience = std::chrono::seconds{10};
    static_cast<void>(pool.status());
    static_cast<void>(admission.status());
    if (settings.server.listen == "none") return true;  // the Unix socket has no other threads
    return answers(settings.server.listen, server.port(), patience);
}

// Waits for running jobs, but not for ever: leaving the process ends what is left, container and
// all.
void drain(engine::Admission& admission) {
    const auto give_up = std::chrono::steady_clock::now() + drain_patience;
    for (;;) {
        const auto status = admission.status();
        if (status.running == 0 && status.waiting == 0) return;
        if (std::chrono::steady_clock::now() > give_up) {
            sys::log(sys::Level::warn, "drain_timed_out",
                     {{"running", status.running}, {"waiting", status.waiting}});
            ::_exit(0);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
}

}  // namespace

int serve(const config::Settings& settings, const config::Sources& sources,
          const isolate::DaemonUser& user, sys::UniqueFd keepers) try {
    const auto signals = control_signals();
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);  // before any thread: all inherit it
    ::signal(SIGPIPE, SIG_IGN);
    const auto manager = sys::ServiceManager::from_environment();
    auto unix_socket = make_unix_socket(settings.server, user);
    become(user);
    keep_freed_memory();
    protect_server(settings, sources);

    resources::Standing policy{resources::make_policy(settings)};

    // Containers boot while toolchains are asked for their versions.
    auto filter = isolate::compile_filter(
        sys::read_file(find_data(settings.paths.seccomp_policy, "seccomp.policy")));
    isolate::Pool pool{settings.pool, std::move(filter), std::move(keepers),
                       self_test_of(settings)};
    engine::Engine engine{pool};
    const auto recipes = find_data(settings.paths.recipes, "recipes");
    Installed installed{settings, recipes, pool, engine};
    resources::Connections connections{settings.server.body_limit};
    engine::Admission admission{settings.admission};
    resources::Readiness readiness{pool, engine, admission};
    resources::PackageDesk desk{
        policy,
        std::make_shared<packages::Installer>(installed.store(),
                                              packages::installer_settings(settings, recipes)),
        installed.store(), [&installed] { installed.refresh(); }};
    resources::RateLimit rate_limit;
    resources::KeyRates key_rates;
    resources::Context context{.engine = engine,
                               .admission = admission,
                               .readiness = readiness,
                               .packages = desk,
                               .connections = connections,
                               .policy = policy,
                               .rate_limit = rate_limit,
                               .key_rates = key_rates};
    http::Server server{settings.server, resources::handler(context), std::move(unix_socket)};
    sys::log(sys::Level::info, "serving",
             {{"listen", settings.server.listen}, {"socket", settings.server.socket}});
    const Trial trial{settings, pool};

    manager.ready(settings.server.listen);
    const sys::Watchdog watchdog{manager,
                                 [&] { return is_alive(settings, server, pool, admission); }};

    wait_for_signals(signals, manager,
                     {.sources = sources,
                      .recipes = recipes,
                      .installed = installed,
                      .policy = policy,
                      .packages = desk});
    manager.stopping();
    readiness.withdraw();
    server.stop_accepting();
    drain(admission);
    connections.hall().stop();
    return trial.failed() ? exit_config : 0;
} catch (const std::exception& error) {
    sys::log(sys::Level::error, "server_failed", {{"error", error.what()}});
    return 1;
}

}  // namespace daemon_process
