#include "api/daemon/data_files.h"

#include <unistd.h>

#include "isolate/keeper_process.h"
#include "isolate/sys/error.h"

namespace daemon_process {

std::string find_data(const std::string& configured, const char* name) {
    if (!configured.empty()) return configured;
    const auto programs = isolate::program_directory();
    for (const auto& candidate :
         {programs + "/../share/crankcase/" + name, std::string{"/usr/share/crankcase/"} + name}) {
        if (::access(candidate.c_str(), R_OK) == 0) return candidate;
    }
    throw sys::Error(sys::Kind::not_found,
                     std::string{"cannot find "} + name +
                         " beside the program or in /usr/share/crankcase; name it in the settings "
                         "(paths.recipes, paths.seccomp_policy)");
}

}  // namespace daemon_process
