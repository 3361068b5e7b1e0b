// What the doctor has to be told, from the settings as they were loaded. Shared by the engine and
// the command line.
#pragma once

#include <string>

#include "config/settings.h"
#include "isolate/doctor/gather.h"

namespace doctor {

// Where the files that come along lie.
struct DataFiles {
    std::string seccomp_policy, recipes, kernel_holes;
};

// `config_file` may not be there. Throws sys::Error if the table of holes cannot be read.
Program program_of(const config::Loaded& loaded, const std::string& config_file, uid_t engine_user,
                   const DataFiles& files);

}  // namespace doctor
