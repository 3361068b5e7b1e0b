#include "api/daemon/installed.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/host_runtimes.h"
#include "engine/package_runtimes.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"
#include "packages/finish.h"

namespace daemon_process {

namespace {

// How long something waits that cannot be done yet: a job still uses a layer that nobody else
// needs, or somebody else is changing the store.
constexpr int pause_ms = 2000;

sys::UniqueFd watch_directory(const std::string& path) {
    sys::UniqueFd watch{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    if (!watch) sys::fail("inotify_init1");
    if (::inotify_add_watch(watch.get(), path.c_str(), IN_MOVED_TO | IN_DELETE) < 0)
        sys::fail("watch " + path);
    return watch;
}

void drain(const sys::UniqueFd& fd) {
    char events[4096];
    while (::read(fd.get(), events, sizeof events) > 0) continue;
}

}  // namespace

Installed::Installed(const config::Settings& settings, std::string recipes, isolate::Pool& pool,
                     engine::Engine& engine, metrics::Metrics& metrics)
    : recipes_(std::move(recipes)),
      pool_(pool),
      engine_(engine),
      metrics_(metrics),
      store_(settings.paths.data_directory),
      settings_(settings),
      stop_event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!stop_event_) sys::fail("eventfd");
    reload(settings);
    watcher_ = std::jthread{[this](std::stop_token stop) { watch(std::move(stop)); }};
}

Installed::~Installed() {
    watcher_.request_stop();
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(stop_event_.get(), &one, sizeof one);
}

void Installed::reload(const config::Settings& settings) {
    auto found = packages::find_host_toolchains(packages::load_recipes(recipes_));
    {
        const std::lock_guard lock{mutex_};
        settings_ = settings;
        toolchains_ = std::move(found);
        failed_.clear();
        changed_ = true;
    }
    replace_runtimes();
}

void Installed::refresh() {
    finish_packages({}, true);
    replace_runtimes();
}

void Installed::watch(std::stop_token stop) {
    const auto records = watch_directory(store_.records_directory());
    while (!stop.stop_requested()) {
        bool is_left = true;
        try {
            is_left = finish_packages(stop, false);
            replace_runtimes();
            is_left = collect_garbage() || is_left;
        } catch (const std::exception& error) {
            sys::log(sys::Level::error, "packages_trouble", {{"error", error.what()}});
        }
        pollfd events[] = {{records.get(), POLLIN, 0}, {stop_event_.get(), POLLIN, 0}};
        ::poll(events, std::size(events), is_left ? pause_ms : -1);
        drain(records);
    }
}

bool Installed::finish_packages(std::stop_token stop, bool may_wait) {
    for (const auto& record : store_.installed()) {
        const auto name = record.name + "=" + record.version;
        {
            const std::lock_guard lock{mutex_};
            // Installed anew, it is tried anew.
            const bool failed =
                !record.trouble.empty() && std::ranges::find(failed_, name) != failed_.end();
            if (!record.pending() || failed) continue;
        }
        const auto transaction = may_wait ? store_.begin() : store_.try_begin();
        if (!transaction) return true;
        try {
            const auto records = store_.installed();
            // It may have been removed or finished while the lock was somebody else's.
            if (std::ranges::find(records, record) == records.end()) continue;
            transaction->put(packages::finish(record, records, store_, *transaction, pool_, stop));
            sys::log(sys::Level::info, "package_finished", {{"package", name}});
        } catch (const sys::Error& error) {
            if (stop.stop_requested()) return true;
            sys::log(sys::Level::error, "package_not_finished",
                     {{"package", name}, {"error", error.what()}});
            {
                const std::lock_guard lock{mutex_};
                failed_.push_back(name);
            }
            // For whoever waits for it, such as the installer.
            auto troubled = record;
            troubled.trouble = error.what();
            transaction->put(troubled);
        }
    }
    return false;
}

void Installed::replace_runtimes() {
    auto records = store_.installed();
    const std::lock_guard lock{mutex_};
    if (!changed_ && records == records_) return;
    auto packaged = engine::runtimes_of(records, settings_);
    for (const auto& runtime : packaged) used_.emplace_back(runtime->layers);
    auto runtimes =
        engine::merged(std::move(packaged), *engine::runtimes_of(toolchains_, settings_),
                       settings_.packages.accept_pinned_versions);
    sys::log(sys::Level::info, "runtimes_found", {{"count", runtimes->all.size()}});
    engine_.replace_runtimes(std::move(runtimes));
    records_ = std::move(records);
    changed_ = false;
    std::erase_if(used_, [](const auto& layers) { return layers.expired(); });
}

bool Installed::is_used(const std::string& layer) {
    const std::lock_guard lock{mutex_};
    return std::ranges::any_of(used_, [&](const auto& weak) {
        const auto layers = weak.lock();
        return layers && std::ranges::find(*layers, layer) != layers->end();
    });
}

bool Installed::collect_garbage() {
    const auto transaction = store_.try_begin();
    if (!transaction) return true;
    using metrics::PackageOperation;
    using metrics::PackageResult;
    std::vector<std::string> removed;
    try {
        removed = transaction->collect_garbage(
            [this](const std::string& layer) { return is_used(layer); });
    } catch (const std::exception&) {
        metrics_.package_operation(PackageOperation::collect_garbage, PackageResult::failed);
        throw;
    }
    if (!removed.empty())
        metrics_.package_operation(PackageOperation::collect_garbage, PackageResult::done);
    for (const auto& name : removed) sys::log(sys::Level::info, "removed", {{"what", name}});
    return !store_.unreferenced_layers().empty();
}

}  // namespace daemon_process
