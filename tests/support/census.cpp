#include "tests/support/census.h"

#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <iterator>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "isolate/sys/file.h"
#include "tests/support/pace.h"
#include "tests/support/places.h"

namespace support {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t watched_ids = 64 * 65536;
constexpr auto patience = std::chrono::seconds{10};
constexpr auto settling_patience = std::chrono::seconds{20};
constexpr auto pause = std::chrono::milliseconds{10};

// A sanitizer keeps what was freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long allowed_growth_kib = 400 * 1024;
#else
constexpr long allowed_growth_kib = 24 * 1024;
#endif

using Counts = std::map<std::string, int>;

// Every number becomes #, so that names compare as kinds.
std::string kind_of(const std::string& text) {
    std::string kind;
    for (const char c : text) {
        const bool digit = c >= '0' && c <= '9';
        if (!digit)
            kind += c;
        else if (!kind.ends_with('#'))
            kind += '#';
    }
    return kind;
}

std::string link_of(const fs::path& path) {
    std::error_code error;
    const auto target = fs::read_symlink(path, error);
    return error ? "" : target.string();
}

std::string field_of(const std::string& status, const std::string& label) {
    const auto at = status.find(label);
    if (at == std::string::npos) return {};
    const auto begin = status.find_first_not_of(" \t", at + label.size());
    return status.substr(begin, status.find_first_of("\t\n", begin) - begin);
}

// All that stands behind the label on its line.
std::string line_of(const std::string& status, const std::string& label) {
    const auto at = status.find(label);
    if (at == std::string::npos) return {};
    const auto begin = at + label.size();
    return status.substr(begin, status.find('\n', begin) - begin);
}

constexpr const char* parked = "a program that stands ready";
constexpr const char* first_of_box = "the PID 1 of a box";
constexpr std::uint32_t ids_per_runner = 65536;
constexpr int pipes_of_zygote = 4;  // three streams and its report, for the daemon

struct Process {
    std::string pid, name, command;
    std::uint32_t uid = 0;
    std::vector<std::string> numbers;  // its pids, from our namespace inward
    bool contained = false;            // its uid is one of the containers'

    bool is_ours() const { return command.find("crankcase") != std::string::npos; }
};

// A program at its gate holds a socket to the daemon; so may what a job left behind, but that is
// then one more.
bool holds_socket(const std::string& pid) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{"/proc/" + pid + "/fd", error})
        if (link_of(entry.path()).starts_with("socket:")) return true;
    return false;
}

// A runner's own root in the runner's own processes, with a program that is not ours: no job's
// process is any of the first two.
bool is_zygote(const Process& process, std::uint32_t first_uid) {
    return process.contained && !process.is_ours() &&
           (process.uid - first_uid) % ids_per_runner == 0 && process.numbers.size() == 2 &&
           process.numbers.back() != "1";
}

// The PID 1 of a fork's box is a copy of the zygote.
std::string name_of(const Process& process) {
    if (process.contained && process.numbers.size() > 2 && process.numbers.back() == "1")
        return first_of_box;
    if (process.contained && !process.is_ours() && holds_socket(process.pid)) return parked;
    return kind_of(process.name);
}

class Taker {
public:
    explicit Taker(const EngineProcess& engine) : engine_(engine) {}

    Census take() {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator{"/proc", error}) {
            const auto pid = entry.path().filename().string();
            if (pid.find_first_not_of("0123456789") == std::string::npos) add_process(pid);
        }
        leave_out_zygotes();
        for (const auto& [kind, found] : namespaces_)
            counts()["namespaces of kind " + kind] = static_cast<int>(found.size());
        add_cgroups();
        add_mounts("/proc/self/mountinfo", "mount of this namespace: ");
        for (const std::string kind : {"shm", "sem", "msg"}) add_sysv(kind);
        for (const char* place :
             {"/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", "/run/lock", "/run"})
            add_files_of_containers(place);
        add_own_files();
        return std::move(census_);
    }

private:
    Counts& counts() { return census_.counts; }

    bool is_contained(const std::string& number) const {
        if (number.empty()) return false;
        const auto uid = std::stoul(number);
        return uid >= engine_.first_uid() && uid < engine_.first_uid() + watched_ids;
    }

    // One of each runner; what is more than that is counted.
    void leave_out_zygotes() {
        for (const auto& [uid, found] : zygotes_) {
            if (found > 1) counts()["a zygote beside another"] += found - 1;
            counts()["descriptor of crankcased: pipe:[#]"] -= pipes_of_zygote;
        }
    }

    static std::vector<std::string> words_of(const std::string& text) {
        std::istringstream words{text};
        return {std::istream_iterator<std::string>{words}, {}};
    }

    void add_process(const std::string& pid) {
        const auto directory = "/proc/" + pid;
        const auto status = sys::try_read_file(directory + "/status").value_or("");
        const auto uid = field_of(status, "\nUid:");
        const Process process{.pid = pid,
                              .name = field_of(status, "Name:"),
                              .command = sys::try_read_file(directory + "/cmdline").value_or(""),
                              .uid = uid.empty() ? 0 : static_cast<std::uint32_t>(std::stoul(uid)),
                              .numbers = words_of(line_of(status, "\nNSpid:")),
                              .contained = is_contained(uid)};
        const bool ours =
            process.is_ours() && process.command.find(engine_.instance()) != std::string::npos;
        if (!ours && !process.contained) return;
        if (is_zygote(process, engine_.first_uid())) {
            ++zygotes_[process.uid];
            return;
        }
        const auto state = field_of(status, "\nState:").substr(0, 1) == "Z" ? " (a zombie)" : "";
        const auto place = process.contained ? "process in a container: " : "process outside: ";
        // liblxc's monitors carry the numbers of their containers in their titles.
        const auto kind = name_of(process);
        ++counts()[place + kind + state];
        for (const std::string space : {"net", "ipc", "pid", "mnt", "user", "uts", "cgroup"}) {
            const auto name = link_of(directory + "/ns/" + space);
            if (!name.empty()) namespaces_[space].insert(name);
        }
        add_mounts(directory + "/mountinfo", "mount of " + kind + ": ");
        if (ours && !process.contained) add_held(process, status);
    }

    // What a process of the engine's own holds.
    void add_held(const Process& process, const std::string& status) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator{"/proc/" + process.pid + "/fd", error}) {
            // Files beneath a cgroup or in /proc differ by the container's number only.
            ++counts()["descriptor of " + kind_of(process.name) + ": " +
                       kind_of(link_of(entry.path()))];
        }
        const auto resident = field_of(status, "\nVmRSS:");
        const long kib = resident.empty() ? 0 : std::stol(resident);
        if (process.command.find("crankcase-keeper") != std::string::npos)
            census_.keeper_kib = std::max(census_.keeper_kib, kib);
        else
            census_.daemon_kib = std::max(census_.daemon_kib, kib);
    }

    void add_mounts(const std::string& file, const std::string& what) {
        std::istringstream lines{sys::try_read_file(file).value_or("")};
        for (std::string line; std::getline(lines, line);) {
            std::istringstream fields{line};
            std::string id, parent, device, root, point;
            fields >> id >> parent >> device >> root >> point;
            // Other engines under test come and go, and mount what they like in their places.
            const bool others = point.find("/cktest") != std::string::npos &&
                                point.find(engine_.instance()) == std::string::npos;
            if (!others) ++counts()[what + kind_of(point)];
        }
    }

    void add_cgroups() {
        std::error_code error;
        for (fs::recursive_directory_iterator at{"/sys/fs/cgroup", error}, end; at != end;
             at.increment(error)) {
            if (!at->is_directory(error)) continue;
            const auto path = at->path().string();
            if (path.find("/" + engine_.instance()) != std::string::npos)
                ++counts()["cgroup " + kind_of(path)];
            else if (at.depth() > 6)
                at.disable_recursion_pending();
        }
    }

    // Those of the containers' users: others' come and go as they like.
    void add_sysv(const std::string& kind) {
        std::istringstream lines{sys::try_read_file("/proc/sysvipc/" + kind).value_or("")};
        for (std::string line; std::getline(lines, line);) {
            std::istringstream fields{line};
            for (std::string field; fields >> field;) {
                const bool number = field.find_first_not_of("0123456789") == std::string::npos;
                if (number && field.size() < 11 && is_contained(field)) {
                    ++counts()["System V " + kind + " of a container"];
                    break;
                }
            }
        }
    }

    void add_files_of_containers(const std::string& place) {
        std::error_code error;
        for (const auto& entry : fs::directory_iterator{place, error}) {
            struct stat status {};
            if (::lstat(entry.path().c_str(), &status) == 0 &&
                is_contained(std::to_string(status.st_uid)))
                ++counts()["file of a container: " + entry.path().string()];
        }
    }

    // What the engine itself keeps while it runs, but for what it keeps on purpose: what has come
    // of a download, for the next try, and what a compile stage came to.
    void add_own_files() {
        std::error_code error;
        const auto place = fs::temp_directory_path() / engine_.instance();
        for (fs::recursive_directory_iterator at{place, error}, end; at != end; at.increment(error))
            if (at->path().string().find("/data/cache/") == std::string::npos &&
                at->path().string().find("/data/compiled/") == std::string::npos)
                ++counts()["file of the engine: " + kind_of(at->path().string())];
    }

    const EngineProcess& engine_;
    Census census_;
    std::map<std::string, std::set<std::string>> namespaces_;
    std::map<std::uint32_t, int> zygotes_;  // of each runner, by its root
};

std::string differences(const Census& before, const Census& now) {
    std::string text;
    auto kinds = before.counts;
    kinds.insert(now.counts.begin(), now.counts.end());
    for (const auto& [kind, unused] : kinds) {
        const auto count = [&kind = kind](const Census& census) {
            const auto found = census.counts.find(kind);
            return found == census.counts.end() ? 0 : found->second;
        };
        if (count(before) != count(now))
            text += std::to_string(count(before)) + " -> " + std::to_string(count(now)) + " " +
                    kind + "\n";
    }
    const auto compare = [&text](const char* who, long old_kib, long new_kib) {
        if (new_kib > old_kib + allowed_growth_kib)
            text += std::to_string(old_kib) + " -> " + std::to_string(new_kib) + " KiB of " + who +
                    "\n";
    };
    compare("the daemon", before.daemon_kib, now.daemon_kib);
    compare("the keeper", before.keeper_kib, now.keeper_kib);
    return text;
}

// As many different programs are asked for as may stand ready; of an engine without bash none does.
// How many are to be there then.
int fill_places(const EngineProcess& engine) {
    for (int number = 0; number < places(); ++number) {
        const Json job{{"language", "bash"},
                       {"version", "*"},
                       {"files", {{{"name", "place" + std::to_string(number)}, {"content", ":"}}}}};
        if (engine.post("/api/v2/execute", job.dump()).status != 200) return 0;
    }
    return places();
}

int parked_in(const Census& census) {
    const auto found = census.counts.find(std::string{"process in a container: "} + parked);
    return found == census.counts.end() ? 0 : found->second;
}

}  // namespace

Census take_census(const EngineProcess& engine) {
    return Taker{engine}.take();
}

Census settled_census(const EngineProcess& engine, int runners) {
    const auto give_up = std::chrono::steady_clock::now() + patiently(settling_patience);
    auto last = take_census(engine);
    const int ready = parked_in(last) < places() ? fill_places(engine) : places();
    const auto all_there = [&](const char* kind) {
        return std::ssize(engine.pids_of(kind)) == runners + ready;
    };
    while (std::chrono::steady_clock::now() < give_up) {
        std::this_thread::sleep_for(pause);
        auto now = take_census(engine);
        if (now.counts == last.counts && parked_in(now) == ready && all_there("init") &&
            all_there("spawner"))
            return now;
        last = std::move(now);
    }
    throw std::runtime_error("the engine does not come to rest:\n" + engine.log());
}

std::string changes_since(const Census& before, const EngineProcess& engine) {
    const auto give_up = std::chrono::steady_clock::now() + patiently(patience);
    for (;;) {
        auto text = differences(before, take_census(engine));
        if (text.empty() || std::chrono::steady_clock::now() > give_up) return text;
        std::this_thread::sleep_for(pause);
    }
}

}  // namespace support
