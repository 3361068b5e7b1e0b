// The files that come along with the programs: recipes, the system call policy, the kernel's holes.
#pragma once

#include <string>

namespace daemon_process {

// The configured path, or else the place of the name: beside the program in a build tree, in
// /usr/share when installed. Throws sys::Error{not_found}.
std::string find_data(const std::string& configured, const char* name);

}  // namespace daemon_process
