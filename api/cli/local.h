// This machine's packages: the store and the installer, used as the engine's own user.
#pragma once

#include <optional>

#include "api/cli/backend.h"
#include "config/settings.h"
#include "packages/store.h"

namespace cli {

// Where packages lie, for the settings' user; root has to make it, so nothing is done for others.
void make_data_directory(const config::Settings& settings);

// Gives up root for the settings' user, if it is root. Throws Failure{permission} if it is neither.
// Call it before there is a second thread, and after the user's own files were opened.
void become_engine_user(const config::Settings& settings);

class Local final : public Backend {
public:
    // After become_engine_user. Throws Failure{failed} if there is no data directory yet. An engine
    // that runs looks after the layers itself; `engine_runs` says so.
    Local(const config::Settings& settings, packages::InstallerSettings installer,
          bool engine_runs);

    const packages::Store& store() const { return store_; }
    packages::Installer& installer() { return installer_; }

    std::vector<Listed> list() override;
    // Returns when jobs can use it, if an engine runs. Throws also for what went wrong there.
    Done install(const packages::Request& request, const packages::ProgressSink& progress,
                 std::stop_token stop) override;
    // Removes what only this package needed, too.
    Done uninstall(const packages::Request& request, const packages::ProgressSink& progress,
                   std::stop_token stop) override;
    std::string trouble() const override { return installer_.trouble(); }

    // Waits for the store's lock. Throws Error{busy} if stopped meanwhile.
    packages::Transaction begin(const packages::ProgressSink& progress,
                                const std::stop_token& stop) const;

    // Removes packages nobody needs and, if no engine runs, layers of no package. Returns names.
    std::vector<std::string> collect_garbage(const packages::ProgressSink& progress,
                                             const std::stop_token& stop) const;

private:
    packages::Record wait_for_last_step(packages::Record record,
                                        const packages::ProgressSink& progress,
                                        const std::stop_token& stop) const;

    packages::Store store_;
    packages::Installer installer_;
    bool engine_runs_;
};

// True if an engine uses these settings' run directory now. As root, or as a user who may read its
// lock; else false.
bool engine_runs(const config::Settings& settings);

}  // namespace cli
