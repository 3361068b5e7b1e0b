#include "api/daemon/protect.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>

#include "api/daemon/data_files.h"
#include "isolate/filter_load.h"
#include "isolate/keeper_process.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "isolate/sys/log.h"

namespace daemon_process {

namespace {

// Programs and libraries of the host, its configuration, what libc and the clients of registries
// look at; /run for the addresses of name servers.
constexpr const char* read_by_everybody[] = {
    "/usr", "/bin",  "/sbin", "/lib", "/lib32", "/lib64",       "/libx32",        "/etc",
    "/opt", "/proc", "/sys",  "/dev", "/run",   "/var/lib/apt", "/var/cache/apt", "/var/lib/dpkg",
};

// Temporary files of those clients; terminals; and on cgroup v2 the jobs' groups, of which the
// keeper gave us ours.
constexpr const char* written_by_everybody[] = {
    "/tmp", "/var/tmp", "/dev/null", "/dev/zero", "/dev/ptmx", "/dev/pts", "/sys/fs/cgroup",
};

isolate::Filter filter_from(const config::Settings& settings, const char* name) {
    // Beside the jobs' policy, wherever that is.
    const auto& policy = settings.paths.seccomp_policy;
    const auto own = policy.substr(0, policy.rfind('/') + 1) + name;
    const bool is_there = !policy.empty() && ::access(own.c_str(), R_OK) == 0;
    const auto path = find_data(is_there ? own : "", name);
    try {
        return isolate::compile_filter(sys::read_file(path));
    } catch (const sys::Error& error) {
        throw sys::Error(error.kind(), path + ": " + error.what());
    }
}

std::optional<std::uint16_t> port_of(const std::string& listen) {
    const auto text = listen.substr(listen.rfind(':') + 1);
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return port;
}

// None, which is any, where no door is a port.
std::vector<std::uint16_t> ports_of(const config::Settings& settings) {
    std::vector<std::uint16_t> ports;
    for (const auto* listen :
         {&settings.server.listen, &settings.grpc.listen, &settings.metrics.listen})
        if (const auto port = port_of(*listen)) ports.push_back(*port);
    return ports;
}

// A file may be replaced by a new one of its name, so its directory counts.
std::string directory_of(const std::string& file) {
    const auto slash = file.rfind('/');
    return slash == std::string::npos ? "." : file.substr(0, slash + 1);
}

sys::Confinement confine_server(const config::Settings& settings, const config::Sources& sources) {
    if (!settings.protection.landlock) return {.why_not = "protection.landlock is off"};
    return sys::confine(reach_of(settings, sources));
}

}  // namespace

void protect_from_oom(const config::Protection& protection) {
    if (protection.oom_protection == 0) return;
    const auto score = std::to_string(-protection.oom_protection);
    const int error = sys::try_write_file("/proc/self/oom_score_adj", score);
    if (error == 0) return;
    sys::log(sys::Level::info, "oom_score_not_lowered",
             {{"error", sys::describe(error)},
              {"wanted", score},
              {"consequence", "jobs die first all the same, other services may not be next"}});
}

isolate::Filter keeper_filter(const config::Settings& settings) {
    if (!settings.protection.keeper_filter) return {};
    return filter_from(settings, "keeper.policy");
}

sys::Reach reach_of(const config::Settings& settings, const config::Sources& sources) {
    sys::Reach reach{.readable = {std::begin(read_by_everybody), std::end(read_by_everybody)},
                     .writable = {std::begin(written_by_everybody), std::end(written_by_everybody)},
                     .ports = ports_of(settings)};
    const auto read = [&reach](const std::string& path) {
        if (!path.empty()) reach.readable.push_back(path);
    };
    read(isolate::program_directory());
    for (const auto* name : {"recipes", "seccomp.policy"}) {
        // Where a build tree has links into the sources.
        const auto& configured =
            *name == 'r' ? settings.paths.recipes : settings.paths.seccomp_policy;
        read(find_data(configured, name));
    }
    read(settings.packages.recipes);
    for (const auto* file : {&sources.file, &settings.keys.file, &settings.facade.keys_file})
        if (!file->empty()) read(directory_of(*file));
    // logrotate moves the file away, and another is made in its place.
    if (!settings.audit.file.empty()) reach.writable.push_back(directory_of(settings.audit.file));
    if (settings.packages.index.starts_with("file://"))
        read(directory_of(settings.packages.index.substr(std::string{"file://"}.size())));
    for (const auto& path : settings.protection.readable) read(path);
    reach.writable.push_back(settings.paths.data_directory);
    return reach;
}

void protect_server(const config::Settings& settings, const config::Sources& sources) {
    // Read before Landlock shuts the directory it lies in.
    const auto filter = settings.protection.daemon_filter ? filter_from(settings, "daemon.policy")
                                                          : isolate::Filter{};
    const auto confined = confine_server(settings, sources);
    if (settings.protection.daemon_filter) {
        if (const int error = isolate::load_filter(filter); error != 0)
            sys::fail("load the server's system call filter (protection.daemon_filter)", error);
    }
    const auto yes_or_no = [](bool on) { return on ? "yes" : "no"; };
    sys::log(sys::Level::info, "protected",
             {{"daemon_filter", yes_or_no(settings.protection.daemon_filter)},
              {"keeper_filter", yes_or_no(settings.protection.keeper_filter)},
              {"landlock", confined.version},
              {"ports", yes_or_no(confined.ports)},
              {"signals", yes_or_no(confined.signals)},
              {"without_landlock", confined.why_not}});
}

}  // namespace daemon_process
