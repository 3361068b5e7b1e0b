#include "api/cli/local.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <thread>
#include <utility>

#include "api/cli/failure.h"
#include "api/daemon/privileges.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace cli {

namespace {

packages::Store open_store(const config::Settings& settings) {
    const auto& directory = settings.paths.data_directory;
    struct stat status {};
    if (::stat(directory.c_str(), &status) != 0 && errno == ENOENT) {
        // Beneath what the user owns it is simply made; elsewhere that is for root.
        const auto parent = directory.substr(0, directory.rfind('/'));
        if (::access(parent.empty() ? "/" : parent.c_str(), W_OK) != 0)
            throw Failure(ExitCode::failed, "there is no " + directory +
                                                " yet: start crankcased once, which makes it for " +
                                                settings.user);
    }
    return packages::Store{directory};
}

std::set<std::pair<std::string, std::string>> identities(const packages::Store& store) {
    std::set<std::pair<std::string, std::string>> result;
    for (const auto& record : store.installed()) result.emplace(record.name, record.version);
    return result;
}

}  // namespace

void make_data_directory(const config::Settings& settings) {
    if (::geteuid() != 0) return;
    const auto user = daemon_process::find_user(settings.user);
    const auto& data = settings.paths.data_directory;
    daemon_process::make_directory_for(user, data);
    daemon_process::make_directory_for(user, data + "/layers");
}

void become_engine_user(const config::Settings& settings) {
    const auto user = daemon_process::find_user(settings.user);
    if (::geteuid() != 0) {
        if (::geteuid() == user.uid) return;
        throw Failure(ExitCode::permission,
                      "the packages belong to the user " + settings.user + ": run it with sudo");
    }
    daemon_process::become(user);
    // A daemon's server must not outlive its guard; this may outlive a shell, for it ends by
    // itself.
    ::prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
    // Boxes read what is written here as users of their own, whatever root's umask is; and root's
    // directory may be one this user cannot even name.
    ::umask(022);
    if (::chdir("/") != 0) sys::fail("chdir /");
}

bool engine_runs(const config::Settings& settings) {
    const auto lock = sys::try_open(settings.paths.run_directory + "/lock", O_RDONLY);
    if (!lock) return false;
    return ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

Local::Local(const config::Settings& settings, packages::InstallerSettings installer,
             bool engine_runs)
    : store_(open_store(settings)),
      installer_(store_, std::move(installer)),
      engine_runs_(engine_runs) {}

std::vector<Listed> Local::list() {
    return listing(store_.installed(), installer_.offers());
}

Done Local::install(const packages::Request& request, const packages::ProgressSink& progress,
                    std::stop_token stop) {
    const auto before = identities(store_);
    const auto record =
        wait_for_last_step(installer_.install(request, progress, stop), progress, stop);
    const bool already =
        before.contains({record.name, record.version}) && request.libraries.empty();
    return {.name = record.name,
            .version = record.version,
            .already = already,
            .pending = record.pending()};
}

// The engine sees the record within milliseconds; what is left to do there takes seconds.
packages::Record Local::wait_for_last_step(packages::Record record,
                                           const packages::ProgressSink& progress,
                                           const std::stop_token& stop) const {
    constexpr auto between_looks = std::chrono::milliseconds{50};
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::minutes{10};
    if (record.pending() && engine_runs_)
        progress(
            {.step = packages::Progress::Step::finishing, .package = record.name, .object = {}});
    while (record.pending() && engine_runs_ && !stop.stop_requested() &&
           std::chrono::steady_clock::now() < give_up) {
        if (!record.trouble.empty()) throw sys::Error(sys::Kind::broken, record.trouble);
        std::this_thread::sleep_for(between_looks);
        const auto records = store_.installed();
        const auto there = std::ranges::find_if(records, [&](const packages::Record& other) {
            return other.name == record.name && other.version == record.version;
        });
        if (there == records.end())
            throw sys::Error(sys::Kind::not_found, record.name + " was removed meanwhile");
        record = *there;
    }
    return record;
}

Done Local::uninstall(const packages::Request& request, const packages::ProgressSink& progress,
                      std::stop_token stop) {
    progress({.step = packages::Progress::Step::removing, .package = request.name, .object = {}});
    const auto record = installer_.uninstall(request);
    collect_garbage(progress, stop);
    return {.name = record.name, .version = record.version};
}

packages::Transaction Local::begin(const packages::ProgressSink& progress,
                                   const std::stop_token& stop) const {
    // flock cannot wait for a lock and for a stop at once.
    constexpr auto between_tries = std::chrono::milliseconds{50};
    for (;;) {
        if (auto transaction = store_.try_begin()) return std::move(*transaction);
        progress({.step = packages::Progress::Step::waiting, .package = {}, .object = {}});
        if (stop.stop_requested()) throw sys::Error(sys::Kind::busy, "stopped");
        std::this_thread::sleep_for(between_tries);
    }
}

std::vector<std::string> Local::collect_garbage(const packages::ProgressSink& progress,
                                                const std::stop_token& stop) const {
    const auto transaction = begin(progress, stop);
    return transaction.collect_garbage([this](const std::string&) { return engine_runs_; });
}

}  // namespace cli
