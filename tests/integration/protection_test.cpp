// What the engine denies itself is on, and off when it is switched off.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "isolate/filter_load.h"
#include "isolate/keeper_process.h"
#include "isolate/sys/file.h"
#include "isolate/sys/landlock.h"
#include "tests/support/engine_process.h"

using support::EngineProcess;

namespace {

namespace fs = std::filesystem;

std::string status_of(pid_t pid) {
    return sys::try_read_file("/proc/" + std::to_string(pid) + "/status").value_or("");
}

bool has_line(const std::string& status, const std::string& line) {
    return status.find("\n" + line + "\n") != std::string::npos;
}

int oom_score_of(const std::string& pid) {
    return std::stoi(sys::read_file("/proc/" + pid + "/oom_score_adj"));
}

// What a child process makes of `act`: its exit code. A filter or Landlock is for good, so it is
// for a child only.
int in_child(const std::function<int()>& act) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        ::_exit(act());
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

isolate::Filter filter_of(const std::string& name) {
    return isolate::compile_filter(
        sys::read_file(isolate::program_directory() + "/../share/crankcase/" + name));
}

// The error number of a call; 0 if it worked.
int error_of(long result) {
    return result < 0 ? errno : 0;
}

bool writes(const std::string& path) {
    const sys::UniqueFd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
    return static_cast<bool>(file);
}

}  // namespace

TEST_CASE("server and keeper run under filters, and the server can gain no privilege") {
    const EngineProcess engine;
    const auto server = engine.pids_of("server");
    const auto keeper = engine.pids_of("keeper");
    REQUIRE(server.size() == 1);
    REQUIRE(keeper.size() == 1);
    CHECK(has_line(status_of(server[0]), "Seccomp:\t2"));
    CHECK(has_line(status_of(server[0]), "NoNewPrivs:\t1"));
    CHECK(has_line(status_of(server[0]), "CapBnd:\t0000000000000000"));
    CHECK(has_line(status_of(keeper[0]), "Seccomp:\t2"));
    // Every thread, not only the first.
    for (const auto& thread :
         fs::directory_iterator{"/proc/" + std::to_string(server[0]) + "/task"})
        CHECK(has_line(sys::read_file(thread.path().string() + "/status"), "Seccomp:\t2"));
    CHECK(engine.log().find("protected daemon_filter=yes keeper_filter=yes") != std::string::npos);
    const auto job = engine.run("bash", "cat /proc/self/oom_score_adj");
    CHECK(job["run"]["stdout"] == "1000\n");
    for (const auto pid : {server[0], keeper[0], engine.pid()})
        CHECK(oom_score_of(std::to_string(pid)) <= 0);
}

TEST_CASE("each protection has a switch") {
    const EngineProcess engine{{"protection.daemon_filter=no", "protection.keeper_filter=no",
                                "protection.landlock=no", "protection.oom_protection=0"}};
    CHECK(has_line(status_of(engine.pids_of("server").at(0)), "Seccomp:\t0"));
    CHECK(has_line(status_of(engine.pids_of("keeper").at(0)), "Seccomp:\t0"));
    CHECK(engine.log().find("protection.landlock is off") != std::string::npos);
    CHECK(engine.run("bash", "echo on")["run"]["stdout"] == "on\n");
}

TEST_CASE("under the server's filter nothing that leads to power can be called") {
    const auto filter = filter_of("daemon.policy");
    struct Row {
        std::string name;
        std::function<long()> call;
        int error;
    };
    const Row rows[] = {
        {"mount", [] { return ::mount("x", "/tmp", "tmpfs", 0, nullptr); }, EPERM},
        {"unshare", [] { return ::unshare(CLONE_NEWUSER); }, EPERM},
        {"ptrace", [] { return ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }, EPERM},
        {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }, EPERM},
        {"io_uring", [] { return ::syscall(SYS_io_uring_setup, 1, nullptr); }, ENOSYS},
        {"setuid", [] { return ::syscall(SYS_setuid, ::getuid()); }, EPERM},
        {"vsock", [] { return ::socket(AF_VSOCK, SOCK_STREAM, 0); }, EAFNOSUPPORT},
        {"tcp", [] { return ::socket(AF_INET, SOCK_STREAM, 0); }, 0},
        {"memfd", [] { return ::syscall(SYS_memfd_create, "x", 0); }, 0},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(in_child([&] {
                  if (isolate::load_filter(filter) != 0) return 255;
                  return error_of(row.call());
              }) == row.error);
    }
    // The control: without the filter root may mount, and the kernel knows the calls.
    CHECK(in_child([] { return error_of(::syscall(SYS_setuid, ::getuid())); }) == 0);
    CHECK(in_child([] { return error_of(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); }) == 0);
}

TEST_CASE("under the keeper's filter containers can be made, and the kernel stays as it is") {
    const auto filter = filter_of("keeper.policy");
    struct Row {
        std::string name;
        std::function<long()> call;
        int error;
    };
    const Row rows[] = {
        {"unshare", [] { return ::unshare(CLONE_NEWNS); }, 0},
        {"module", [] { return ::syscall(SYS_init_module, nullptr, 0, ""); }, EPERM},
        {"kexec", [] { return ::syscall(SYS_kexec_load, 0, 0, nullptr, 0); }, EPERM},
        {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }, EPERM},
        {"packets", [] { return ::socket(AF_PACKET, SOCK_RAW, 0); }, EAFNOSUPPORT},
        {"keys", [] { return ::syscall(SYS_keyctl, 0, 0); }, EPERM},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(in_child([&] {
                  if (isolate::load_filter(filter) != 0) return 255;
                  return error_of(row.call());
              }) == row.error);
    }
    CHECK(in_child([] { return error_of(::socket(AF_PACKET, SOCK_RAW, 0)); }) == 0);
}

TEST_CASE("Landlock leaves to read what is named, to change what is named, and one port") {
    const auto place = fs::temp_directory_path() / ("ck-landlock" + std::to_string(::getpid()));
    fs::create_directories(place / "written");
    fs::create_directories(place / "read");
    fs::create_directories(place / "other");
    std::ofstream{place / "read/file"} << "x";
    std::ofstream{place / "other/file"} << "x";
    const auto kernel = in_child([] { return sys::confine({}).version; });
    const sys::Reach reach{
        .readable = {"/usr", place / "read"}, .writable = {place / "written"}, .ports = {0}};
    // A number a kernel without Landlock gives as well: everything is reached as before.
    const int refused = kernel > 0 ? 0 : 1;
    const auto confined = [&](const std::function<bool()>& act) {
        return in_child([&] {
            sys::confine(reach);
            return act() ? 1 : 0;
        });
    };
    CHECK(confined([&] { return sys::try_read_file(place / "read/file").has_value(); }) == 1);
    CHECK(confined([&] { return writes(place / "written/new"); }) == 1);
    CHECK(confined([&] {
              return ::rename((place / "written/new").c_str(), (place / "written/old").c_str()) ==
                     0;
          }) == 1);
    CHECK(confined([&] { return writes(place / "read/new"); }) == refused);
    CHECK(confined([&] { return sys::try_read_file(place / "other/file").has_value(); }) ==
          refused);
    CHECK(confined([] { return sys::try_read_file("/etc/hostname").has_value(); }) == refused);
    CHECK(confined([] { return writes("/etc/crankcase-landlock-test"); }) == refused);
    fs::remove("/etc/crankcase-landlock-test");
    fs::remove_all(place);
    // The control: unconfined everything is reached.
    CHECK(in_child([] { return sys::try_read_file("/etc/hostname") ? 1 : 0; }) == 1);
}

TEST_CASE("a confined process signals none but its own, and opens no other port") {
    const auto binds = [](std::uint16_t port) {
        const sys::UniqueFd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
               0;
    };
    // One exit code says both: what the kernel can deny, and what was denied.
    const int outcome = in_child([&] {
        const auto found = sys::confine({.readable = {}, .writable = {}, .ports = {24499}});
        const bool signals = ::kill(::getppid(), 0) == 0;
        const bool other = binds(0);
        return (signals == !found.signals ? 0 : 1) | (other == !found.ports ? 0 : 2);
    });
    CHECK(outcome == 0);
    CHECK(in_child([&] { return binds(0) && ::kill(::getppid(), 0) == 0 ? 0 : 1; }) == 0);
}

TEST_CASE("the server cannot read what the settings did not name, unless Landlock is off") {
    const auto place = fs::temp_directory_path() / ("ck-keys" + std::to_string(::getpid()));
    const auto elsewhere = fs::path{"/var/ck-keys" + std::to_string(::getpid())};
    for (const auto& directory : {place, elsewhere}) fs::create_directories(directory);
    const auto write_all = [&](const std::string& keys) {
        std::ofstream{place / "settings.toml"} << "[facade]\nkeys_file = \"" << keys << "\"\n";
    };
    const std::string key(32, 'k');
    for (const auto& directory : {place, elsewhere}) {
        std::ofstream{directory / "keys"} << key << "\n";
        const auto* user = ::getpwnam("nobody");  // the engines' of the tests
        REQUIRE(user);
        REQUIRE(::chown((directory / "keys").c_str(), user->pw_uid, user->pw_gid) == 0);
        fs::permissions(directory / "keys", fs::perms{0600});
    }
    const bool kernel_has = in_child([] { return sys::confine({}).version; }) > 0;
    for (const bool on : {true, false}) {
        CAPTURE(on);
        write_all(place / "keys");
        const EngineProcess engine{{std::string{"protection.landlock="} + (on ? "yes" : "no")},
                                   place / "settings.toml"};
        write_all(elsewhere / "keys");
        ::kill(engine.pid(), SIGHUP);
        CHECK(engine.wait_for_log(on && kernel_has ? "reload_failed" : " reloaded", 1));
    }
    for (const auto& directory : {place, elsewhere}) fs::remove_all(directory);
}

TEST_CASE("the service manager hears that the engine is ready, alive, reloading and stopping") {
    const auto path = fs::temp_directory_path() / ("ck-notify" + std::to_string(::getpid()));
    const sys::UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    fs::permissions(path, fs::perms{0777});
    const auto hears = [&](const std::string& word) {
        for (;;) {
            pollfd event{socket.get(), POLLIN, 0};
            if (::poll(&event, 1, 20'000) != 1) return false;
            char text[512];
            const auto length = ::recv(socket.get(), text, sizeof text, 0);
            if (std::string_view{text, static_cast<std::size_t>(length)}.starts_with(word))
                return true;
        }
    };
    ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
    ::setenv("WATCHDOG_USEC", "300000", 1);
    {
        EngineProcess engine;
        ::unsetenv("NOTIFY_SOCKET");
        ::unsetenv("WATCHDOG_USEC");
        CHECK(hears("READY=1\nSTATUS=127.0.0.1:"));
        CHECK(hears("WATCHDOG=1"));
        CHECK(hears("WATCHDOG=1"));
        ::kill(engine.pid(), SIGHUP);
        CHECK(hears("RELOADING=1\nMONOTONIC_USEC="));
        CHECK(hears("READY=1"));
        // What the server starts, and the jobs, are not told where the manager listens.
        CHECK(engine.run("bash", "echo ${NOTIFY_SOCKET:-none}")["run"]["stdout"] == "none\n");
        CHECK(engine.stop() == 0);
        CHECK(hears("STOPPING=1"));
    }
    fs::remove(path);
}
