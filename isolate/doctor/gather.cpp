#include "isolate/doctor/gather.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <sstream>

#include "isolate/filter.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"

namespace doctor {

namespace {

namespace fs = std::filesystem;

// Files of one value. The checks know them by these names (judge.h, value()).
constexpr const char* watched[] = {
    "proc/cmdline",
    "proc/meminfo",
    "proc/sys/abi/vsyscall32",
    "proc/sys/dev/tty/legacy_tiocsti",
    "proc/sys/fs/file-max",
    "proc/sys/fs/inotify/max_user_instances",
    "proc/sys/fs/protected_fifos",
    "proc/sys/fs/protected_hardlinks",
    "proc/sys/fs/protected_regular",
    "proc/sys/fs/protected_symlinks",
    "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    "proc/sys/kernel/core_pattern",
    "proc/sys/kernel/dmesg_restrict",
    "proc/sys/kernel/io_uring_disabled",
    "proc/sys/kernel/keys/maxkeys",
    "proc/sys/kernel/kptr_restrict",
    "proc/sys/kernel/osrelease",
    "proc/sys/kernel/perf_event_paranoid",
    "proc/sys/kernel/pid_max",
    "proc/sys/kernel/random/entropy_avail",
    "proc/sys/kernel/randomize_va_space",
    "proc/sys/kernel/seccomp/actions_avail",
    "proc/sys/kernel/sysrq",
    "proc/sys/kernel/threads-max",
    "proc/sys/kernel/unprivileged_bpf_disabled",
    "proc/sys/kernel/unprivileged_userns_clone",
    "proc/sys/kernel/yama/ptrace_scope",
    "proc/sys/user/max_cgroup_namespaces",
    "proc/sys/user/max_ipc_namespaces",
    "proc/sys/user/max_mnt_namespaces",
    "proc/sys/user/max_net_namespaces",
    "proc/sys/user/max_pid_namespaces",
    "proc/sys/user/max_user_namespaces",
    "proc/sys/user/max_uts_namespaces",
    "proc/sys/vm/panic_on_oom",
    "proc/sys/vm/unprivileged_userfaultfd",
    "proc/version",
    "proc/version_signature",
    "sys/devices/system/clocksource/clocksource0/current_clocksource",
    "sys/devices/system/cpu/cpufreq/boost",
    "sys/devices/system/cpu/intel_pstate/no_turbo",
    "sys/devices/system/cpu/smt/active",
    "sys/kernel/mm/ksm/run",
    "sys/kernel/mm/transparent_hugepage/enabled",
    "sys/kernel/security/lsm",
};

constexpr int most_links = 40;  // man 7 path_resolution
constexpr const char* network_helpers[] = {"/usr/libexec/lxc/lxc-user-nic",
                                           "/usr/lib/x86_64-linux-gnu/lxc/lxc-user-nic",
                                           "/usr/lib/aarch64-linux-gnu/lxc/lxc-user-nic"};

std::string trimmed(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
}

std::string text_at(const std::string& path) {
    return sys::try_read_file(path).value_or("");
}

std::vector<std::string> parts_of(std::string_view line, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream{std::string{line}};
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

std::optional<std::uint64_t> number_in(const std::string& text) {
    std::uint64_t number = 0;
    const auto* last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, number);
    if (error != std::errc{} || end != last) return std::nullopt;
    return number;
}

void gather_values(Facts& facts, const Places& places) {
    for (const std::string name : watched) {
        const auto slash = name.find('/');
        const auto path =
            (name.starts_with("proc") ? places.proc : places.sys) + name.substr(slash);
        if (auto text = sys::try_read_file(path)) facts.values[name] = trimmed(std::move(*text));
    }
    facts.kernel =
        upstream_version(facts.values["proc/sys/kernel/osrelease"], facts.values["proc/version"],
                         facts.values["proc/version_signature"]);
}

// A swap of the device mapper is taken for encrypted only if its own name says so (dm/uuid).
bool is_encrypted(const std::string& device, const Places& places) {
    const auto name = fs::path{device}.filename().string();
    if (name.starts_with("zram")) return true;
    return text_at(places.sys + "/block/" + name + "/dm/uuid").starts_with("CRYPT");
}

// Quotas are an option of the kernel (CONFIG_CFS_BANDWIDTH). On v2 the root has none in any case.
bool has_cpu_quota(const std::string& directory, bool unified) {
    std::error_code error;
    if (!unified) return fs::exists(directory + "/cpu.cfs_quota_us", error);
    for (const auto& entry : fs::directory_iterator{directory, error}) {
        if (fs::exists(entry.path() / "cpu.weight", error))
            return fs::exists(entry.path() / "cpu.max", error);
    }
    return true;
}

void gather_memory(Facts& facts, const Places& places) {
    std::istringstream lines{text_at(places.proc + "/swaps")};
    std::string line;
    std::getline(lines, line);  // the titles
    while (std::getline(lines, line)) {
        const auto name = line.substr(0, line.find_first_of(" \t"));
        facts.swaps.push_back({name, is_encrypted(name, places)});
    }
    facts.hierarchies = parse_hierarchies(text_at(places.proc + "/self/mountinfo"));
    for (auto& hierarchy : facts.hierarchies) {
        const auto directory = places.root + hierarchy.mount_point;
        if (hierarchy.unified) {
            hierarchy.controllers =
                parts_of(trimmed(text_at(directory + "/cgroup.controllers")), ' ');
        }
        if (std::ranges::count(hierarchy.controllers, "cpu") > 0)
            facts.cpu_can_be_limited = has_cpu_quota(directory, hierarchy.unified);
        std::error_code error;
        // v2 always counts it; v1 only with swapaccount=1 in the command line of older kernels.
        if (hierarchy.unified || fs::exists(directory + "/memory.memsw.limit_in_bytes", error))
            facts.swap_is_counted = true;
        if (hierarchy.unified && facts.settings.pool.cgroup != "auto") {
            facts.base_group_type =
                trimmed(text_at(directory + facts.settings.pool.cgroup + "/cgroup.type"));
        }
    }
}

void add_once(std::vector<std::string>& list, const std::string& text) {
    if (!text.empty() && std::ranges::find(list, text) == list.end()) list.push_back(text);
}

void gather_processors(Facts& facts, const Places& places) {
    const auto base = places.sys + "/devices/system/cpu";
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{base + "/vulnerabilities", error})
        facts.processor_bugs[entry.path().filename()] = trimmed(text_at(entry.path()));
    for (int cpu = 0; fs::exists(base + "/cpu" + std::to_string(cpu), error); ++cpu) {
        const auto own = base + "/cpu" + std::to_string(cpu) + "/cpufreq/";
        add_once(facts.governors, trimmed(text_at(own + "scaling_governor")));
        add_once(facts.core_speeds, trimmed(text_at(own + "cpuinfo_max_freq")));
    }
}

void gather_ids(Facts& facts, const Places& places) {
    const auto add = [&](auto parse, const char* name) {
        const auto path = places.etc + "/" + name;
        std::ranges::move(parse(path, text_at(path)), std::back_inserter(facts.taken_ids));
    };
    add(parse_accounts, "passwd");
    add(parse_accounts, "group");
    add(parse_sub_ids, "subuid");
    add(parse_sub_ids, "subgid");
}

void trust(Facts& facts, const Places& places, const char* key, const std::string& path,
           bool users_own) {
    if (path.empty()) return;
    facts.trusted.push_back(
        {.key = key, .path = path, .way = way_to(places.root + path), .users_own = users_own});
}

void look_for_secrets(Facts& facts, const Places& places, const std::string& path,
                      const char* what) {
    struct stat status {};
    if (path.empty() || ::stat((places.root + path).c_str(), &status) != 0) return;
    if (status.st_mode & S_IROTH) facts.readable_secrets.push_back(path + " (" + what + ")");
}

void gather_access(Facts& facts, const Program& program, const Places& places) {
    const auto& settings = facts.settings;
    facts.engine_user = program.engine_user;
    facts.trusted_owners = {0};
    struct stat own {};
    // Who owns the program can replace it: what is theirs is as trustworthy as we are.
    if (::stat("/proc/self/exe", &own) == 0) facts.trusted_owners.push_back(own.st_uid);
    trust(facts, places, "paths.run_directory", settings.paths.run_directory, false);
    trust(facts, places, "paths.run_directory", settings.paths.run_directory + "/lock", false);
    trust(facts, places, "paths.data_directory", settings.paths.data_directory, true);
    trust(facts, places, "paths.data_directory", settings.paths.data_directory + "/layers", true);
    trust(facts, places, "paths.recipes", program.recipes, false);
    trust(facts, places, "paths.seccomp_policy", program.seccomp_policy, false);
    trust(facts, places, "packages.recipes", settings.packages.recipes, true);
    trust(facts, places, "facade.keys_file", settings.facade.keys_file, true);
    trust(facts, places, "--config", program.config_file, false);
    look_for_secrets(facts, places, settings.facade.keys_file, "the keys of facade.keys_file");
    if (program.config_has_secrets)
        look_for_secrets(facts, places, program.config_file, "a secret of the settings");
    for (const auto* helper : network_helpers) {
        struct stat status {};
        if (::stat((places.root + helper).c_str(), &status) == 0 && (status.st_mode & S_ISUID))
            facts.set_id_programs.emplace_back(helper);
    }
}

void gather_capacity(Facts& facts, const Places& places) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.descriptors = limit.rlim_max;
    for (const auto* path :
         {&facts.settings.paths.data_directory, &facts.settings.paths.run_directory}) {
        struct statvfs room {};
        if (::statvfs((places.root + *path).c_str(), &room) != 0) continue;
        facts.rooms.push_back({.path = *path,
                               .free_bytes = room.f_bavail * room.f_frsize,
                               .free_entries = room.f_favail,
                               .counts_entries = room.f_files > 0});
    }
    timex clock{};
    // Without modes it only reads (man 2 adjtimex).
    if (::adjtimex(&clock) >= 0) facts.clock_is_set = (clock.status & STA_UNSYNC) == 0;
}

std::string trouble_of_policy(const std::string& path) try {
    isolate::parse_policy(sys::read_file(path));
    return {};
} catch (const sys::Error& error) {
    return error.what();
}

}  // namespace

Facts gather(const config::Settings& settings, const Program& program, const Places& places) {
    Facts facts;
    facts.settings = settings;
    facts.holes = parse_holes(program.holes);
    facts.lxc_version = program.lxc_version;
    gather_values(facts, places);
    gather_memory(facts, places);
    gather_processors(facts, places);
    gather_ids(facts, places);
    gather_access(facts, program, places);
    gather_capacity(facts, places);
    facts.policy_trouble = trouble_of_policy(places.root + program.seccomp_policy);
    return facts;
}

std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo) {
    static const std::set<std::string> controllers{"memory", "pids", "cpu", "cpuacct", "freezer"};
    std::vector<Hierarchy> result;
    for (const auto& line : parts_of(mountinfo, '\n')) {
        const auto separator = line.find(" - cgroup");
        if (separator == std::string::npos) continue;
        // "36 35 98:0 /root /point rw,noatime … - cgroup source rw,memory"
        const auto before = parts_of(line.substr(0, separator), ' ');
        const auto after = parts_of(line.substr(separator + 3), ' ');
        if (before.size() < 6 || after.size() < 3) continue;
        Hierarchy hierarchy{.mount_point = before[4], .unified = after[0] == "cgroup2"};
        const auto mount_options = parts_of(before[5], ',');
        const auto options = parts_of(after[2], ',');
        hierarchy.writable =
            std::ranges::count(mount_options, "rw") > 0 && std::ranges::count(options, "rw") > 0;
        for (const auto& option : options) {
            if (controllers.contains(option)) hierarchy.controllers.push_back(option);
        }
        result.push_back(std::move(hierarchy));
    }
    return result;
}

std::vector<IdRange> parse_accounts(const std::string& file, std::string_view text) {
    std::vector<IdRange> result;
    for (const auto& line : parts_of(text, '\n')) {
        const auto fields = parts_of(line, ':');
        if (fields.size() < 3) continue;
        if (const auto id = number_in(fields[2]))
            result.push_back({.file = file, .owner = fields[0], .first = *id});
    }
    return result;
}

std::vector<IdRange> parse_sub_ids(const std::string& file, std::string_view text) {
    std::vector<IdRange> result;
    for (const auto& line : parts_of(text, '\n')) {
        const auto fields = parts_of(line, ':');
        if (fields.size() != 3) continue;
        const auto first = number_in(fields[1]);
        const auto length = number_in(fields[2]);
        if (first && length)
            result.push_back({.file = file, .owner = fields[0], .first = *first, .count = *length});
    }
    return result;
}

std::vector<Component> way_to(const std::string& path) {
    std::vector<Component> way;
    std::vector<std::string> rest = parts_of(path, '/');
    std::ranges::reverse(rest);
    std::string at;
    for (int links = 0; !rest.empty();) {
        const auto name = rest.back();
        rest.pop_back();
        if (name.empty() || name == ".") continue;
        if (name == "..") {
            at.resize(at.empty() ? 0 : at.rfind('/'));
            continue;
        }
        at += "/" + name;
        struct stat status {};
        if (::lstat(at.c_str(), &status) != 0) return way;  // not there yet: nobody's
        way.push_back({.path = at,
                       .link = S_ISLNK(status.st_mode),
                       .directory = S_ISDIR(status.st_mode),
                       .owner = status.st_uid,
                       .group = status.st_gid,
                       .mode = status.st_mode & 07777});
        if (!way.back().link) continue;
        std::error_code error;
        const auto target = fs::read_symlink(at, error).string();
        if (error || ++links > most_links) return way;
        auto more = parts_of(target, '/');
        std::ranges::reverse(more);
        std::ranges::copy(more, std::back_inserter(rest));
        at = target.starts_with('/') ? std::string{} : at.substr(0, at.rfind('/'));
    }
    return way;
}

}  // namespace doctor
