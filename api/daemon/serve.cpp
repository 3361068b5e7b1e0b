#include "api/daemon/serve.h"

#include <malloc.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "api/audit/log.h"
#include "api/daemon/data_files.h"
#include "api/daemon/examination.h"
#include "api/daemon/installed.h"
#include "api/daemon/levels.h"
#include "api/daemon/privileges.h"
#include "api/daemon/protect.h"
#include "api/daemon/pulse.h"
#include "api/daemon/reload.h"
#include "api/grpc/server.h"
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

// The ways in: HTTP on a port and a Unix socket, gRPC on a port, each if the settings want it.
class Doors {
public:
    Doors(const config::Settings& settings, resources::Context& context, sys::UniqueFd unix_socket)
        : settings_(settings) {
        const auto& grpc = settings.grpc.listen;
        const bool is_http = settings.server.listen != "none" || unix_socket;
        // HTTP, which says that all is ready, comes last. Who wants neither is told so by it.
        if (!grpc.empty()) grpc_.emplace(settings, context);
        if (is_http || grpc.empty())
            http_.emplace(settings.server, resources::handler(context), std::move(unix_socket));
        sys::log(sys::Level::info, "serving",
                 {{"listen", settings.server.listen},
                  {"socket", settings.server.socket},
                  {"grpc", grpc}});
    }

    // Whether the threads that listen, read and write do so. A Unix socket has no others than those
    // of the HTTP port; gRPC speaks first.
    bool answer(std::chrono::milliseconds patience) const {
        const auto& http = settings_.server.listen;
        if (http != "none" && !answers(http, http_->port(), patience)) return false;
        return !grpc_ || answers(settings_.grpc.listen, grpc_->port(), patience);
    }

    // Null where there is none.
    const http::Server* http() const { return http_ ? &*http_ : nullptr; }

    void stop_accepting() {
        if (grpc_) grpc_->stop_accepting();
        if (http_) http_->stop_accepting();
    }

private:
    const config::Settings& settings_;
    std::optional<http::Server> http_;
    std::optional<rpc::Server> grpc_;
};

// Whether the threads of the engine get on: those that listen, read and write answer a question,
// and nobody keeps the pool or the queue to himself.
bool is_alive(const Doors& doors, const isolate::Pool& pool, const engine::Admission& admission) {
    constexpr auto patience = std::chrono::seconds{10};
    static_cast<void>(pool.status());
    static_cast<void>(admission.status());
    return doors.answer(patience);
}

// A server of /metrics alone, if they have an address of their own; its few clients need little.
std::unique_ptr<http::Server> serve_metrics(const config::Settings& settings,
                                            resources::Context& context) {
    if (settings.metrics.listen.empty()) return nullptr;
    auto own = settings.server;
    own.listen = settings.metrics.listen;
    own.io_threads = 1;
    own.max_connections = 32;
    auto server = std::make_unique<http::Server>(own, resources::metrics_handler(context));
    sys::log(sys::Level::info, "serving_metrics", {{"port", server->port()}});
    return server;
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
    if (!settings.audit.file.empty()) audit::make_file_for(user.uid, user.gid, settings.audit.file);
    become(user);
    keep_freed_memory();
    protect_server(settings, sources);

    audit::Log audit{settings.audit};
    metrics::Metrics metrics;
    resources::Standing policy{resources::make_policy(settings)};

    // Containers boot while toolchains are asked for their versions.
    auto filter = isolate::compile_filter(
        sys::read_file(find_data(settings.paths.seccomp_policy, "seccomp.policy")));
    isolate::Pool pool{settings.pool, std::move(filter), std::move(keepers), self_test_of(settings),
                       [&metrics](auto time) { metrics.runner_cleaned(time); }};
    engine::Warmer warmer{pool, settings.warm};
    engine::CompileCache compiled{settings.paths.data_directory + "/compiled", settings.compile};
    // Where none may stand ready, no job has to ask.
    engine::Engine engine{pool, observer(audit, metrics), settings.warm.is_on() ? &warmer : nullptr,
                          settings.compile.cache.count > 0 ? &compiled : nullptr};
    const auto recipes = find_data(settings.paths.recipes, "recipes");
    Installed installed{settings, recipes, pool, engine, metrics};
    resources::Connections connections{settings.server.body_limit};
    engine::Admission admission{settings.admission};
    resources::Readiness readiness{pool, engine, admission};
    resources::PackageDesk desk{
        policy,
        std::make_shared<packages::Installer>(installed.store(),
                                              packages::installer_settings(settings, recipes)),
        installed.store(), [&installed] { installed.refresh(); }, metrics};
    resources::RateLimit rate_limit;
    resources::KeyRates key_rates;
    const Watched watched{pool, engine, admission, audit};
    resources::Context context{.engine = engine,
                               .admission = admission,
                               .readiness = readiness,
                               .packages = desk,
                               .connections = connections,
                               .policy = policy,
                               .rate_limit = rate_limit,
                               .key_rates = key_rates,
                               .meter = metrics,
                               .levels = [&watched] { return watched.levels(); }};
    Doors doors{settings, context, std::move(unix_socket)};
    const auto metrics_server = serve_metrics(settings, context);
    const Watched::Clients clients{watched, doors.http()};
    const Trial trial{settings, pool};

    manager.ready(settings.server.listen);
    const sys::Watchdog watchdog{manager, [&] { return is_alive(doors, pool, admission); }};

    wait_for_signals(signals, manager,
                     {.sources = sources,
                      .recipes = recipes,
                      .installed = installed,
                      .policy = policy,
                      .packages = desk,
                      .audit = audit});
    manager.stopping();
    readiness.withdraw();
    doors.stop_accepting();
    drain(admission);
    connections.hall().stop();
    return trial.failed() ? exit_config : 0;
} catch (const std::exception& error) {
    sys::log(sys::Level::error, "server_failed", {{"error", error.what()}});
    return 1;
}

}  // namespace daemon_process
