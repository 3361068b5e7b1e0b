// From root to nobody in particular, for good.
#pragma once

#include <sys/types.h>

#include <string>

#include "isolate/keeper_process.h"

namespace daemon_process {

// Looks the user up. Throws sys::Error{not_found} saying how to make one.
isolate::DaemonUser find_user(const std::string& name);

// Looks the group up. Throws sys::Error{not_found}.
gid_t find_group(const std::string& name);

// Makes a directory that is the user's own, unless it is there already: then it is as somebody
// wants it. For root; throws sys::Error{broken}.
void make_directory_for(const isolate::DaemonUser& user, const std::string& path);

// Gives up root: groups, gid, uid, all capabilities, and the way back (no_new_privs). The process
// dies with its parent from here on. Throws sys::Error{broken} if anything of it fails.
void become(const isolate::DaemonUser& user);

}  // namespace daemon_process
