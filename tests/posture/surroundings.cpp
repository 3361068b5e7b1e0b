// The namespaces the process is in, and what each of them shows.
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/keyctl.h>
#include <net/if.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <sstream>
#include <string>
#include <vector>

#include "tests/posture/say.h"

namespace posture {

namespace {

void tell_namespaces() {
    for (const char* name : {"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time",
                             "time_for_children", "user", "uts"}) {
        char target[64];
        const auto link = std::string{"/proc/self/ns/"} + name;
        const auto length = ::readlink(link.c_str(), target, sizeof target);
        if (length > 0)
            say(std::string{"namespace."} + name,
                std::string(target, static_cast<std::size_t>(length)));
    }
    utsname names{};
    ::uname(&names);
    say("host.name", names.nodename);
    say("host.domain", names.domainname);
}

// The fields of /proc/self/mountinfo without the numbers: where, what of it, how, which file
// system.
void tell_mounts() {
    std::istringstream lines{contents("/proc/self/mountinfo")};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields{line};
        std::string id, parent, device, root, place, options, field, rest;
        fields >> id >> parent >> device >> root >> place >> options;
        while (fields >> field) {
            if (field != "-") rest += ' ' + field;
        }
        say("mount." + place, root + ' ' + options + rest);
    }
}

void tell_cgroups() {
    std::istringstream lines{contents("/proc/self/cgroup")};
    for (std::string line; std::getline(lines, line);) {
        const auto name = line.find(':') + 1;
        const auto path = line.find(':', name) + 1;
        auto names = line.substr(name, path - name - 1);
        say("cgroup." + (names.empty() ? "unified" : names), line.substr(path));
    }
}

void tell_processes() {
    DIR* directory = ::opendir("/proc");
    std::vector<long> pids;
    while (const dirent* entry = directory != nullptr ? ::readdir(directory) : nullptr) {
        const auto pid = std::strtol(entry->d_name, nullptr, 10);
        if (pid > 0) pids.push_back(pid);
    }
    if (directory != nullptr) ::closedir(directory);
    std::sort(pids.begin(), pids.end());
    for (const auto pid : pids) {
        say("process." + std::to_string(pid), line_of("/proc/" + std::to_string(pid) + "/comm"));
    }
}

void tell_opened(const std::string& key, const char* path, int flags) {
    const int fd = ::open(path, flags | O_CLOEXEC | O_NONBLOCK);
    say(key, name_of_error(fd < 0 ? errno : 0));
    if (fd >= 0) ::close(fd);
}

void tell_reach_of(const std::string& key, const std::string& directory) {
    for (const char* name : {"environ", "maps", "mem", "auxv", "stack", "pagemap", "syscall"})
        tell_opened(key + "." + name, (directory + name).c_str(), O_RDONLY);
    for (const char* name : {"fd", "root", "cwd", "ns", "fdinfo"})
        tell_opened(key + "." + name, (directory + name + "/").c_str(), O_RDONLY | O_DIRECTORY);
}

void tell_ptrace_of_first_process() {
    const auto seized = ::ptrace(PTRACE_SEIZE, 1, nullptr, nullptr);
    say("first_process.ptrace", name_of_error(seized != 0 ? errno : 0));
    if (seized == 0) ::ptrace(PTRACE_DETACH, 1, nullptr, nullptr);
}

std::size_t lines_of(const char* path) {
    const auto text = contents(path);
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

std::string text_of(const sockaddr* address) {
    char text[INET6_ADDRSTRLEN] = "";
    // The family says which structure the kernel wrote (man 3 getifaddrs).
    if (address->sa_family == AF_INET) {
        ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text,
                    sizeof text);
    } else if (address->sa_family == AF_INET6) {
        ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text,
                    sizeof text);
    }
    return text;
}

void tell_network() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) say("network.interfaces", name_of_error(errno));
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
        const auto address = at->ifa_addr != nullptr ? text_of(at->ifa_addr) : "";
        say(std::string{"network.interface."} + at->ifa_name,
            std::string{(at->ifa_flags & IFF_UP) != 0 ? "up " : "down "} +
                (address.empty() ? "link" : address));
    }
    if (list != nullptr) ::freeifaddrs(list);
    // The first line of these is a heading.
    for (const char* name : {"route", "arp", "tcp", "udp", "raw", "unix", "packet", "netlink"}) {
        const auto lines = lines_of((std::string{"/proc/self/net/"} + name).c_str());
        say(std::string{"network.entries."} + name, std::to_string(lines == 0 ? 0 : lines - 1));
    }
    for (const char* name : {"ipv6_route", "if_inet6", "tcp6", "udp6"}) {
        std::istringstream lines{contents(std::string{"/proc/self/net/"} + name)};
        for (std::string line; std::getline(lines, line);) {
            const auto device = line.substr(line.rfind(' ') + 1);
            const bool heading = line.find("local_address") != std::string::npos;
            if (!heading) say(std::string{"network.entry."} + name, device);
        }
    }
}

void tell_shared_objects() {
    for (const char* name : {"shm", "sem", "msg"}) {
        const auto lines = lines_of((std::string{"/proc/sysvipc/"} + name).c_str());
        say(std::string{"ipc."} + name, std::to_string(lines == 0 ? 0 : lines - 1));
    }
    const auto tell = [](const char* key, long result) {
        say(key, result < 0 ? name_of_error(errno) : "ok");
    };
    tell("keyring.session",
         ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
    tell("keyring.user", ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0));
    tell("keyring.persistent", ::syscall(SYS_keyctl, KEYCTL_GET_PERSISTENT, -1, 0));
}

}  // namespace

void tell_surroundings(Place place) {
    tell_namespaces();
    tell_mounts();
    tell_cgroups();
    tell_processes();
    // PID 1 has the same uid and could do more, were it to be had. That the same look-ups succeed
    // on a process that can be had is seen on this one.
    tell_reach_of("own_process", "/proc/self/");
    tell_reach_of("first_process", "/proc/1/");
    // Outside, root may do it, and it is somebody's first process.
    if (place == Place::box) tell_ptrace_of_first_process();
    tell_network();
    tell_shared_objects();
}

}  // namespace posture
