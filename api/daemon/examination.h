// The doctor at start: what the machine must be before anybody's program runs on it.
//
// Before anything is started, everything that can be read is judged, in a few milliseconds, as
// root. What has to be tried in a box is tried once the engine serves, on a thread of its own: no
// client waits for it, and a machine that fails it is not served from for longer than that takes.
// (Every runner has shown before its first job that its box holds; that is the pool's.)
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "config/settings.h"
#include "isolate/doctor/facts.h"
#include "isolate/keeper_process.h"
#include "isolate/pool.h"

namespace daemon_process {

// sysexits.h: EX_CONFIG, as for settings that cannot be used.
inline constexpr int exit_config = 78;

// Reads what there is to know. `config_file` is that of the sources, whether it is there or not.
// Throws sys::Error if a file that comes along cannot be found.
doctor::Facts look_at_machine(const config::Loaded& loaded, const isolate::DaemonUser& user,
                              const std::string& config_file);

// Logs what forbids serving, and says it on standard error. True if nothing does. Throws
// config::SettingsError for names in doctor.override that mean nothing.
bool may_serve(const doctor::Facts& facts);

// Whether the pool has to ask its runners.
isolate::SelfTest self_test_of(const config::Settings& settings);

// Tries the memory limit in a runner of the pool, once; if it does not hold, ends the program with
// SIGTERM to itself.
class Trial {
public:
    Trial(const config::Settings& settings, isolate::Pool& pool);
    Trial(const Trial&) = delete;
    Trial& operator=(const Trial&) = delete;

    // True if the machine failed: the program's exit code is then exit_config.
    bool failed() const { return failed_; }

private:
    void run(std::stop_token stop, isolate::Pool& pool);

    const config::Settings settings_;
    std::atomic<bool> failed_ = false;
    std::jthread thread_;  // last: stopped and joined before anything else goes
};

}  // namespace daemon_process
