#include "isolate/keeper_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <vector>

#include "isolate/filter_load.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/log.h"
#include "isolate/sys/socket.h"

namespace isolate {

std::string program_directory() {
    char path[PATH_MAX];
    const auto length = ::readlink("/proc/self/exe", path, sizeof path);
    if (length < 0) sys::fail("readlink /proc/self/exe");
    const std::string program{path, static_cast<std::size_t>(length)};
    return program.substr(0, program.rfind('/'));
}

namespace {

// As a control file of a cgroup wants it.
std::string memory_of(const config::Protection& protection) {
    const auto limit = protection.memory;
    return limit == config::unlimited_bytes ? "max" : std::to_string(limit.count);
}

}  // namespace

KeeperProcess start_keeper(const config::Settings& settings, const DaemonUser& user,
                           const std::string& programs, const Filter& filter) {
    const auto program = programs + "/crankcase-keeper";
    if (::access(program.c_str(), X_OK) != 0) sys::fail("execute " + program);
    auto [ours, theirs] = sys::socket_pair();
    if (!ours) sys::fail("socketpair");
    std::vector<std::string> arguments{
        program,
        "--socket=" + std::to_string(theirs.get()),
        "--instance=" + settings.instance,
        "--run-directory=" + settings.paths.run_directory,
        "--data-directory=" + settings.paths.data_directory,
        "--init=" + programs + "/crankcase-init",
        "--cgroup=" + settings.pool.cgroup,
        "--first-uid=" + std::to_string(settings.pool.first_uid),
        "--daemon-memory=" + memory_of(settings.protection),
        "--daemon-uid=" + std::to_string(user.uid),
        "--daemon-gid=" + std::to_string(user.gid),
    };
    std::vector<char*> argv;
    for (auto& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    const pid_t pid = SYS_FAIL_POINT("guard.fork_keeper", ::fork());
    if (pid < 0) sys::fail("fork");
    if (pid == 0) {
        ::fcntl(theirs.get(), F_SETFD, 0);
        const int refused = filter.program.empty() ? 0 : load_filter(filter);
        if (refused != 0) {
            sys::log(sys::Level::error, "keeper_filter_refused",
                     {{"error", sys::describe(refused)}, {"setting", "protection.keeper_filter"}});
            ::_exit(1);
        }
        // The keeper talks to nobody but us: an environment would only be something to inherit.
        char* const nothing[] = {nullptr};
        ::execve(program.c_str(), argv.data(), nothing);
        ::_exit(127);
    }
    return {pid, std::move(ours)};
}

std::string lxc_version_of(const std::string& programs) {
    const auto program = programs + "/crankcase-keeper";
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return {};
    const sys::UniqueFd read_end{ends[0]};
    sys::UniqueFd write_end{ends[1]};
    posix_spawn_file_actions_t actions;
    if (::posix_spawn_file_actions_init(&actions) != 0) return {};
    const int refused =
        ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
    auto name = std::string{"crankcase-keeper"};
    auto order = std::string{"--lxc-version"};
    char* const argv[] = {name.data(), order.data(), nullptr};
    char* const nothing[] = {nullptr};
    pid_t pid = -1;
    const int error = refused != 0
                          ? refused
                          : ::posix_spawn(&pid, program.c_str(), &actions, nullptr, argv, nothing);
    ::posix_spawn_file_actions_destroy(&actions);
    write_end.reset();
    if (error != 0) return {};
    std::array<char, 64> said{};
    const auto length = ::read(read_end.get(), said.data(), said.size());
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    const auto text = std::string(said.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    return text.substr(0, text.find('\n'));
}

}  // namespace isolate
