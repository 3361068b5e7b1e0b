#include "isolate/doctor/program.h"

#include <unistd.h>

#include <algorithm>

#include "isolate/keeper_process.h"
#include "isolate/sys/file.h"

namespace doctor {

namespace {

// A secret is shown as "(set)", with the line of the file it stands in.
bool has_secrets(const config::Loaded& loaded, const std::string& file) {
    return std::ranges::any_of(loaded.shown, [&](const config::ShownSetting& setting) {
        return setting.value.find("(set)") != std::string::npos &&
               setting.origin.starts_with(file + ":");
    });
}

}  // namespace

Program program_of(const config::Loaded& loaded, const std::string& config_file, uid_t engine_user,
                   const DataFiles& files) {
    const bool is_there = ::access(config_file.c_str(), F_OK) == 0;
    return {.engine_user = engine_user,
            .seccomp_policy = files.seccomp_policy,
            .recipes = files.recipes,
            .holes = sys::read_file(files.kernel_holes),
            .config_file = is_there ? config_file : "",
            .config_has_secrets = has_secrets(loaded, config_file),
            .lxc_version = isolate::lxc_version_of(isolate::program_directory())};
}

}  // namespace doctor
