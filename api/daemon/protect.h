// What the engine denies itself, so that whoever takes over one of its processes has gained little:
// system call filters, Landlock, a score that makes the kernel kill jobs first. Each has one switch
// in the settings ([protection]), and the log says at start what is in force.
#pragma once

#include "config/settings.h"
#include "isolate/filter.h"
#include "isolate/sys/landlock.h"

namespace daemon_process {

// For guard, keeper and server, as root. Without CAP_SYS_RESOURCE it is said in the log and left.
void protect_from_oom(const config::Protection& protection);

// The filter of the keeper and of all in its containers; empty if it is switched off.
isolate::Filter keeper_filter(const config::Settings& settings);

// What the server has to reach, with these sources of settings.
sys::Reach reach_of(const config::Settings& settings, const config::Sources& sources);

// The server itself, after it has become its user and before it has a second thread. Throws
// sys::Error if something that is switched on cannot be had, except for a Landlock that the kernel
// does not have.
void protect_server(const config::Settings& settings, const config::Sources& sources);

}  // namespace daemon_process
