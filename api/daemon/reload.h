// SIGHUP: the settings are read again, and what of them may change while the engine runs is put in
// force for new requests and new jobs. Those in progress keep what they began with.
//
// All or nothing: the sources are read and everything is made from them before anything is
// replaced. What goes wrong is logged with its place, and everything stays as it was.
#pragma once

#include <string>

#include "api/audit/log.h"
#include "api/daemon/installed.h"
#include "api/resources/packages.h"
#include "api/resources/policy.h"
#include "config/settings.h"

namespace daemon_process {

// What a reload changes. The references are to what outlives it.
struct Reloadable {
    const config::Sources& sources;
    const std::string& recipes;
    Installed& installed;
    resources::Standing& policy;
    resources::PackageDesk& packages;
    audit::Log& audit;  // whose file logrotate may have moved away
};

// Never throws. Settings that would need a restart are named in the log and stay.
void reload(Reloadable& parts);

// From the settings to the log; of this process.
void set_log_level(config::LogLevel level);

}  // namespace daemon_process
