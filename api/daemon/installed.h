// The daemon's view of the store: which runtimes there are at this moment.
//
// A thread of its own watches the records (man 7 inotify). Whoever changes them (the command-line
// tool, this daemon, an older one that was killed) is noticed within milliseconds: packages that
// are not finished are finished, the runtimes are replaced whole, and layers that nobody needs any
// more, running jobs included, are removed.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/metrics/metrics.h"
#include "config/settings.h"
#include "engine/engine.h"
#include "isolate/pool.h"
#include "isolate/sys/fd.h"
#include "packages/host.h"
#include "packages/store.h"

namespace daemon_process {

class Installed {
public:
    // `recipes` is where the recipes of host toolchains lie. Everything outlives this.
    Installed(const config::Settings& settings, std::string recipes, isolate::Pool& pool,
              engine::Engine& engine, metrics::Metrics& metrics);
    Installed(const Installed&) = delete;
    Installed& operator=(const Installed&) = delete;
    ~Installed();

    const packages::Store& store() const { return store_; }

    // Looks at the host's toolchains again, then at the records; new jobs have the limits of these
    // settings. Throws sys::Error if the recipes cannot be read; then everything stays as it was.
    void reload(const config::Settings& settings);

    // Looks at the records now and returns when the runtimes are what they say.
    void refresh();

private:
    void watch(std::stop_token stop);
    // Each returns whether something is left to do later.
    bool finish_packages(std::stop_token stop, bool may_wait);
    bool collect_garbage();
    void replace_runtimes();
    bool is_used(const std::string& layer);

    const std::string recipes_;
    isolate::Pool& pool_;
    engine::Engine& engine_;
    metrics::Metrics& metrics_;
    packages::Store store_;

    std::mutex mutex_;  // of what follows: one look at a time
    config::Settings settings_;
    std::vector<packages::Installed> toolchains_;
    std::vector<packages::Record> records_;
    bool changed_ = true;  // since the runtimes were made
    // The layers of every runtime that was ever handed out and may still be in use by a job.
    std::vector<std::weak_ptr<const std::vector<std::string>>> used_;
    std::vector<std::string>
        failed_;  // packages whose setup failed: not tried again before a change

    sys::UniqueFd stop_event_;
    std::jthread watcher_;  // last: stopped and joined before anything else goes
};

}  // namespace daemon_process
