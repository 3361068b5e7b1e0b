#include "tests/support/footprint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>

#include "isolate/sys/file.h"
#include "tests/support/pace.h"

namespace support {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t watched_ids = 64 * 65536;
constexpr auto patience = std::chrono::seconds{5};

bool is_number(const std::string& text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

// A zombie counts: somebody has not reaped it.
void add_processes(std::set<std::string>& marks, const std::string& instance,
                   std::uint32_t first_uid) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{"/proc", error}) {
        const auto pid = entry.path().filename().string();
        if (!is_number(pid)) continue;
        const auto status = sys::try_read_file("/proc/" + pid + "/status").value_or("");
        std::istringstream fields{
            status.substr(std::min(status.size(), status.find("\nUid:") + 5))};
        std::uint32_t uid = 0;
        fields >> uid;
        const auto command = sys::try_read_file("/proc/" + pid + "/cmdline").value_or("");
        const bool ours = command.find("crankcase") != std::string::npos &&
                          command.find(instance) != std::string::npos;
        if (ours || (uid >= first_uid && uid < first_uid + watched_ids)) {
            marks.insert("process " + pid + " " + status.substr(6, status.find('\n') - 6));
        }
    }
}

void add_cgroups(std::set<std::string>& marks, const std::string& instance) {
    std::error_code error;
    for (fs::recursive_directory_iterator at{"/sys/fs/cgroup", error}, end; at != end;
         at.increment(error)) {
        if (at.depth() > 6) at.disable_recursion_pending();
        if (at->path().filename() == instance) marks.insert("cgroup " + at->path().string());
    }
}

void add_lines(std::set<std::string>& marks, const std::string& file, const std::string& what) {
    std::istringstream lines{sys::try_read_file(file).value_or("")};
    for (std::string line; std::getline(lines, line);)
        marks.insert(what + " " + line.substr(0, 120));
}

}  // namespace

Footprint footprint(const std::string& instance, std::uint32_t first_uid) {
    Footprint now;
    add_processes(now.marks, instance, first_uid);
    add_cgroups(now.marks, instance);
    add_lines(now.marks, "/proc/self/mountinfo", "mount");
    for (const char* kind : {"shm", "sem", "msg"})
        add_lines(now.marks, std::string{"/proc/sysvipc/"} + kind, kind);
    for (int fd = 0; fd < 1024; ++fd) {
        char target[256];
        const auto link = "/proc/self/fd/" + std::to_string(fd);
        if (::access(link.c_str(), F_OK) != 0) continue;
        const auto length = ::readlink(link.c_str(), target, sizeof target);
        if (length > 0) now.marks.insert("descriptor " + std::to_string(fd));
    }
    return now;
}

std::string left_behind(const Footprint& before, const std::string& instance,
                        std::uint32_t first_uid) {
    const auto give_up = std::chrono::steady_clock::now() + patiently(patience);
    for (;;) {
        std::string rest;
        for (const auto& mark : footprint(instance, first_uid).marks) {
            if (!before.marks.contains(mark)) rest += mark + "\n";
        }
        if (rest.empty() || std::chrono::steady_clock::now() > give_up) return rest;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
}

}  // namespace support
