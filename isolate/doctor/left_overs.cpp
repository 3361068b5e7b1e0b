// What engines of this instance have left behind. Only looked at here: removing it is the keeper's
// sweep (keeper/groups.cpp), which takes the engine's lock first.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "isolate/doctor/gather.h"
#include "isolate/sys/file.h"

namespace doctor {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t ids_per_runner = 65536;

// True while a keeper of the instance lives: it holds the lock.
bool engine_runs(const std::string& run_directory) {
    const auto lock = sys::try_open(run_directory + "/lock", O_RDONLY | O_NOFOLLOW);
    if (!lock) return false;
    if (::flock(lock.get(), LOCK_SH | LOCK_NB) != 0) return true;
    ::flock(lock.get(), LOCK_UN);
    return false;
}

std::string group_of(const config::Settings& settings) {
    const auto& base = settings.pool.cgroup;
    return (base == "auto" || base == "/" ? "" : base) + "/" + settings.instance;
}

bool is_pid(const std::string& name) {
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    return error == std::errc{} && end == name.data() + name.size();
}

void find_processes(const config::Settings& settings, const Places& places,
                    std::vector<std::string>& found) {
    const std::uint64_t first = settings.pool.first_uid;
    const auto end = first + ids_per_runner * static_cast<std::uint64_t>(settings.most_runners());
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{places.proc, error}) {
        const auto name = entry.path().filename().string();
        struct stat status {};
        if (!is_pid(name) || ::stat(entry.path().c_str(), &status) != 0) continue;
        if (status.st_uid >= first && status.st_uid < end) found.push_back("process " + name);
    }
}

}  // namespace

std::vector<std::string> find_left_overs(const config::Settings& settings, const Places& places) {
    std::vector<std::string> found;
    if (engine_runs(places.root + settings.paths.run_directory)) return found;
    const auto text = sys::try_read_file(places.proc + "/self/mountinfo").value_or("");
    for (const auto& hierarchy : parse_hierarchies(text)) {
        const auto group = hierarchy.mount_point + group_of(settings);
        std::error_code error;
        if (fs::is_directory(places.root + group, error)) found.push_back("cgroup " + group);
    }
    find_processes(settings, places, found);
    std::ranges::sort(found);
    return found;
}

}  // namespace doctor
