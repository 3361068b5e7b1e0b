// Every check of the doctor on a machine that is made of files: one on which all is well, and for
// each check one change that only this check sees.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "isolate/doctor/checks.h"
#include "isolate/doctor/gather.h"
#include "isolate/keeper_process.h"
#include "isolate/sys/file.h"

namespace {

namespace fs = std::filesystem;
using doctor::Facts;
using doctor::Finding;

using Files = std::map<std::string, std::string>;  // path and text; "-" is no file

// A hybrid machine with nothing to say against it.
const Files good_machine{
    {"proc/cmdline", "quiet ia32_emulation=0"},
    {"proc/meminfo", "MemTotal: 64000000 kB\nMemAvailable:   32000000 kB"},
    {"proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 1"},
    {"proc/self/mountinfo",
     "1 0 0:1 / /cg/memory rw,relatime - cgroup cgroup rw,memory\n"
     "2 0 0:2 / /cg/pids rw,relatime - cgroup cgroup rw,pids\n"
     "3 0 0:3 / /cg/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct\n"
     "4 0 0:4 / /cg/unified rw,relatime - cgroup2 cgroup2 rw"},
    {"cg/memory/memory.memsw.limit_in_bytes", "1"},
    {"cg/cpu/cpu.cfs_quota_us", "-1"},
    {"cg/unified/cgroup.controllers", ""},
    {"proc/sys/abi/vsyscall32", "1"},
    {"proc/sys/dev/tty/legacy_tiocsti", "0"},
    {"proc/sys/fs/file-max", "1000000"},
    {"proc/sys/fs/inotify/max_user_instances", "128"},
    {"proc/sys/fs/protected_fifos", "1"},
    {"proc/sys/fs/protected_hardlinks", "1"},
    {"proc/sys/fs/protected_regular", "2"},
    {"proc/sys/fs/protected_symlinks", "1"},
    {"proc/sys/kernel/core_pattern", "core"},
    {"proc/sys/kernel/dmesg_restrict", "1"},
    {"proc/sys/kernel/io_uring_disabled", "2"},
    {"proc/sys/kernel/keys/maxkeys", "200"},
    {"proc/sys/kernel/kptr_restrict", "1"},
    {"proc/sys/kernel/osrelease", "6.12.90-1-amd64"},
    {"proc/sys/kernel/perf_event_paranoid", "3"},
    {"proc/sys/kernel/pid_max", "4194304"},
    {"proc/sys/kernel/random/entropy_avail", "256"},
    {"proc/sys/kernel/randomize_va_space", "0"},
    {"proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno log allow"},
    {"proc/sys/kernel/sysrq", "16"},
    {"proc/sys/kernel/threads-max", "100000"},
    {"proc/sys/kernel/unprivileged_bpf_disabled", "2"},
    {"proc/sys/kernel/yama/ptrace_scope", "1"},
    {"proc/sys/user/max_user_namespaces", "90"},
    {"proc/sys/user/max_pid_namespaces", "10000"},
    {"proc/sys/vm/panic_on_oom", "0"},
    {"proc/sys/vm/unprivileged_userfaultfd", "0"},
    {"sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc"},
    {"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance"},
    {"sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq", "3000000"},
    {"sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq", "3000000"},
    {"sys/devices/system/cpu/cpufreq/boost", "0"},
    {"sys/devices/system/cpu/smt/active", "0"},
    {"sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected"},
    {"sys/kernel/mm/ksm/run", "0"},
    {"sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never"},
    {"sys/kernel/security/lsm", "lockdown,capability,yama,apparmor"},
    {"etc/passwd", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh"},
    {"etc/group", "root:x:0:\nstaff:x:50:alice"},
    {"etc/subuid", "alice:100000:65536"},
    {"etc/subgid", "alice:100000:65536"},
    {"run/lock", ""},
    {"data/layers/one", ""},
    {"keys", "a key"},
    {"config.toml", ""},
};

// A machine in a directory of its own, gone with this value.
class Machine {
public:
    explicit Machine(Files changes = {}) {
        static int machines = 0;
        root_ = fs::temp_directory_path() /
                ("doctor-" + std::to_string(::getpid()) + "-" + std::to_string(machines++));
        changes.merge(Files{good_machine});
        for (const auto& [path, text] : changes) {
            if (text != "-") write(path, text);
        }
        const auto policy = isolate::program_directory() + "/../share/crankcase/seccomp.policy";
        if (!changes.contains("policy")) write("policy", sys::read_file(policy));
        fs::permissions(root_ / "keys", fs::perms{0600});
    }
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    ~Machine() { fs::remove_all(root_); }

    void write(const std::string& path, const std::string& text) const {
        fs::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text << '\n';
    }

    const fs::path& root() const { return root_; }

    doctor::Places places() const {
        return {.root = root_, .proc = root_ / "proc", .sys = root_ / "sys", .etc = root_ / "etc"};
    }

    Facts facts(const std::function<void(config::Settings&)>& change = {}) const {
        config::Settings settings;
        settings.paths.run_directory = "/run";
        settings.paths.data_directory = "/data";
        settings.facade.keys_file = "/keys";
        if (change) change(settings);
        const doctor::Program program{
            .engine_user = ::geteuid(),
            .seccomp_policy = "/policy",
            .recipes = "",
            .holes = "cve-2022-0847 5.8.0 5.10.102 5.15.25 5.17.0 : Dirty Pipe\n",
            .config_file = "/config.toml",
            .lxc_version = "5.0.2"};
        auto facts = doctor::gather(settings, program, places());
        // What is asked of the kernel directly and differs from machine to machine.
        facts.clock_is_set = true;
        facts.descriptors = 1'000'000;
        facts.rooms = {{.path = "/data", .free_bytes = 1U << 30, .free_entries = 100'000}};
        return facts;
    }

private:
    fs::path root_;
};

std::set<std::string> names_of(const std::vector<Finding>& findings) {
    std::set<std::string> names;
    for (const auto& finding : findings) names.insert(finding.name);
    return names;
}

struct Row {
    std::string name;  // of the check that must go red, and no other
    Files files;
    std::function<void(config::Settings&)> setting;
    std::function<void(Facts&)> fact;
    std::function<void(const Machine&)> machine;
};

std::vector<Row> rows_of_failures() {
    return {
        {.name = "kernel-version", .files = {{"proc/sys/kernel/osrelease", "5.4.0"}}},
        {.name = "seccomp-available",
         .files = {{"proc/sys/kernel/seccomp/actions_avail", "trap errno allow"}}},
        {.name = "seccomp-available", .files = {{"proc/sys/kernel/seccomp/actions_avail", "-"}}},
        {.name = "seccomp-policy", .files = {{"policy", "allow no_such_call_at_all"}}},
        {.name = "runner-self-test",
         .fact = [](Facts& facts) { facts.self_test_trouble = "no_new_privs is off"; }},
        {.name = "memory-limit",
         .fact = [](Facts& facts) { facts.memory_kill_trouble = "was not killed"; }},
        {.name = "cgroup-controllers",
         .files = {{"proc/self/mountinfo",
                    "1 0 0:1 / /cg/memory rw - cgroup cgroup rw,memory\n"
                    "3 0 0:3 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct"}}},
        {.name = "cgroup-controllers", .files = {{"proc/self/mountinfo", ""}, {"proc/swaps", ""}}},
        {.name = "cgroup-writable",
         .files = {{"proc/self/mountinfo", "1 0 0:1 / /cg/unified ro - cgroup2 cgroup2 rw"},
                   {"cg/unified/cgroup.controllers", "cpu io memory pids"}}},
        {.name = "cgroup-type",
         .files = {{"proc/self/mountinfo", "1 0 0:1 / /cg/unified rw - cgroup2 cgroup2 rw"},
                   {"cg/unified/cgroup.controllers", "cpu io memory pids"},
                   {"cg/unified/ours/cgroup.type", "domain threaded"}},
         .setting = [](config::Settings& settings) { settings.pool.cgroup = "/ours"; }},
        {.name = "lxc-cgroups", .fact = [](Facts& facts) { facts.lxc_version = "7.0.0"; }},
        {.name = "lxc-cgroups",
         .files = {{"proc/self/mountinfo", "1 0 0:1 / /cg/unified rw - cgroup2 cgroup2 rw"},
                   {"cg/unified/cgroup.controllers", "cpu io memory pids"}},
         .fact = [](Facts& facts) { facts.lxc_version = "3.1.0"; }},
        {.name = "swap-accounting",
         .files = {{"cg/memory/memory.memsw.limit_in_bytes", "-"},
                   {"proc/self/mountinfo",
                    "1 0 0:1 / /cg/memory rw - cgroup cgroup rw,memory\n"
                    "2 0 0:2 / /cg/pids rw - cgroup cgroup rw,pids\n"
                    "3 0 0:3 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct"}}},
        {.name = "cpu-quota", .files = {{"cg/cpu/cpu.cfs_quota_us", "-"}}},
        {.name = "cpu-quota",
         .files = {{"proc/self/mountinfo", "1 0 0:1 / /cg/unified rw - cgroup2 cgroup2 rw"},
                   {"cg/unified/cgroup.controllers", "cpu io memory pids"},
                   {"cg/unified/system.slice/cpu.weight", "100"}}},
        {.name = "core-pattern",
         .files = {{"proc/sys/kernel/core_pattern", "|/usr/share/apport/apport %p"}}},
        {.name = "core-pattern", .files = {{"proc/sys/kernel/core_pattern", "/var/crash/core.%p"}}},
    };
}

std::vector<Row> rows_of_access() {
    return {
        {.name = "ids-of-users",
         .files = {{"etc/passwd", "bob:x:1000500:1000500::/home/bob:/bin/sh"}}},
        {.name = "ids-of-users", .files = {{"etc/group", "bobs:x:1524287:"}}},
        {.name = "ids-of-others", .files = {{"etc/subuid", "podman:999999:2"}}},
        {.name = "ids-of-others", .files = {{"etc/subgid", "podman:1524287:65536"}}},
        {.name = "ids-in-range",
         .setting = [](config::Settings& settings) { settings.pool.first_uid = 4'294'900'000U; }},
        {.name = "ids-in-range",
         .files = {{"etc/passwd", ""}, {"etc/group", ""}, {"etc/subuid", ""}, {"etc/subgid", ""}},
         .setting = [](config::Settings& settings) { settings.pool.first_uid = 0; }},
        {.name = "paths-writable",
         .machine =
             [](const Machine& machine) {
                 fs::permissions(machine.root() / "data/layers", fs::perms{0777});
             }},
        {.name = "paths-writable",
         .machine =
             [](const Machine& machine) {
                 fs::permissions(machine.root() / "run/lock", fs::perms{0666});
             }},
        {.name = "paths-linked",
         .setting =
             [](config::Settings& settings) { settings.packages.recipes = "/shared/policy"; },
         .machine =
             [](const Machine& machine) {
                 // In a directory that everybody may write, if only what is theirs.
                 fs::create_directory(machine.root() / "shared");
                 fs::permissions(machine.root() / "shared", fs::perms{01777});
                 fs::create_symlink(machine.root() / "policy", machine.root() / "shared/policy");
             }},
        {.name = "secrets-readable",
         .machine =
             [](const Machine& machine) {
                 fs::permissions(machine.root() / "keys", fs::perms{0644});
             }},
        {.name = "listen-open",
         .setting = [](config::Settings& settings) { settings.server.listen = "0.0.0.0:2000"; }},
        {.name = "listen-open",
         .setting = [](config::Settings& settings) { settings.server.listen = "[::]:2000"; }},
        {.name = "listen-open",
         .setting = [](config::Settings& settings) { settings.server.listen = "myhost:2000"; }},
        {.name = "cve-2022-0847", .files = {{"proc/sys/kernel/osrelease", "5.15.24"}}},
    };
}

std::vector<Row> rows_of_warnings() {
    return {
        {.name = "userns-open", .files = {{"proc/sys/user/max_user_namespaces", "96365"}}},
        {.name = "ptrace-scope", .files = {{"proc/sys/kernel/yama/ptrace_scope", "0"}}},
        {.name = "ptrace-scope", .files = {{"proc/sys/kernel/yama/ptrace_scope", "-"}}},
        {.name = "security-module", .files = {{"sys/kernel/security/lsm", "capability,yama"}}},
        {.name = "security-module", .files = {{"sys/kernel/security/lsm", "-"}}},
        {.name = "bpf-open", .files = {{"proc/sys/kernel/unprivileged_bpf_disabled", "0"}}},
        {.name = "perf-open", .files = {{"proc/sys/kernel/perf_event_paranoid", "1"}}},
        {.name = "io-uring-open", .files = {{"proc/sys/kernel/io_uring_disabled", "0"}}},
        {.name = "userfaultfd-open", .files = {{"proc/sys/vm/unprivileged_userfaultfd", "1"}}},
        {.name = "dmesg-open", .files = {{"proc/sys/kernel/dmesg_restrict", "0"}}},
        {.name = "pointers-shown", .files = {{"proc/sys/kernel/kptr_restrict", "0"}}},
        {.name = "tiocsti-legacy", .files = {{"proc/sys/dev/tty/legacy_tiocsti", "1"}}},
        {.name = "links-protected", .files = {{"proc/sys/fs/protected_hardlinks", "0"}}},
        {.name = "links-protected", .files = {{"proc/sys/fs/protected_regular", "0"}}},
        {.name = "sysrq", .files = {{"proc/sys/kernel/sysrq", "1"}}},
        {.name = "sysrq", .files = {{"proc/sys/kernel/sysrq", "176"}}},
    };
}

std::vector<Row> rows_of_processors() {
    return {
        {.name = "lxc-user-nic",
         .machine =
             [](const Machine& machine) {
                 machine.write("usr/libexec/lxc/lxc-user-nic", "");
                 fs::permissions(machine.root() / "usr/libexec/lxc/lxc-user-nic", fs::perms{04755});
             }},
        {.name = "oom-panic", .files = {{"proc/sys/vm/panic_on_oom", "1"}}},
        {.name = "processor-bugs",
         .files = {{"sys/devices/system/cpu/vulnerabilities/mds", "Vulnerable; SMT vulnerable"}}},
        {.name = "smt", .files = {{"sys/devices/system/cpu/smt/active", "1"}}},
        {.name = "ksm", .files = {{"sys/kernel/mm/ksm/run", "1"}}},
        {.name = "swap-encrypted",
         .files = {{"proc/swaps", "Filename\n/dev/sda2 partition 1 0 1"}}},
        {.name = "ia32", .files = {{"proc/cmdline", "quiet"}}},
        {.name = "mitigations", .files = {{"proc/cmdline", "mitigations=off ia32_emulation=0"}}},
    };
}

std::vector<Row> rows_of_room() {
    return {
        {.name = "limit-descriptors", .fact = [](Facts& facts) { facts.descriptors = 1024; }},
        {.name = "limit-pids", .files = {{"proc/sys/kernel/pid_max", "1000"}}},
        {.name = "limit-threads", .files = {{"proc/sys/kernel/threads-max", "1000"}}},
        {.name = "limit-files", .files = {{"proc/sys/fs/file-max", "4096"}}},
        {.name = "limit-namespaces", .files = {{"proc/sys/user/max_pid_namespaces", "8"}}},
        {.name = "limit-inotify", .files = {{"proc/sys/fs/inotify/max_user_instances", "2"}}},
        {.name = "limit-keys", .files = {{"proc/sys/kernel/keys/maxkeys", "10"}}},
        {.name = "memory-free", .files = {{"proc/meminfo", "MemAvailable:   100000 kB"}}},
        {.name = "disk-free", .fact = [](Facts& facts) { facts.rooms.front().free_bytes = 1; }},
        {.name = "entries-free",
         .fact = [](Facts& facts) { facts.rooms.front().free_entries = 1; }},
        {.name = "entropy", .files = {{"proc/sys/kernel/random/entropy_avail", "3"}}},
        {.name = "clock-source",
         .files = {{"sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet"}}},
        {.name = "clock-kept", .fact = [](Facts& facts) { facts.clock_is_set = false; }},
        {.name = "left-overs", .fact = [](Facts& facts) { facts.left_overs = {"cgroup /x"}; }},
        {.name = "governor",
         .files = {{"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave"}}},
        {.name = "turbo", .files = {{"sys/devices/system/cpu/cpufreq/boost", "1"}}},
        {.name = "huge-pages",
         .files = {{"sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never"}}},
        {.name = "address-layout", .files = {{"proc/sys/kernel/randomize_va_space", "2"}}},
        {.name = "cores-differ",
         .files = {{"sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq", "2000000"}}},
    };
}

std::vector<Finding> examine(const Row& row) {
    const Machine machine{row.files};
    if (row.machine) row.machine(machine);
    auto facts = machine.facts(row.setting);
    if (row.fact) row.fact(facts);
    return doctor::examine(facts);
}

}  // namespace

TEST_CASE("a machine on which all is well has no finding") {
    const Machine machine;
    for (const auto& finding : doctor::examine(machine.facts())) FAIL_CHECK(sentence_of(finding));
}

TEST_CASE("an LXC library is for one version of cgroups, for both, or unknown") {
    const Files only_v2{{"proc/self/mountinfo", "1 0 0:1 / /cg/unified rw - cgroup2 cgroup2 rw"},
                        {"cg/unified/cgroup.controllers", "cpu io memory pids"}};
    struct Case {
        std::string version;
        bool v1, v2;  // is good for
    };
    const Case cases[] = {{"3.1.0", true, false}, {"4.0.0", true, true}, {"5.0.2", true, true},
                          {"6.0.6", true, true},  {"7.0", false, true},  {"10.1.0", false, true},
                          {"", true, true},       {"devel", true, true}};
    for (const auto& row : cases) {
        CAPTURE(row.version);
        for (const bool v2 : {false, true}) {
            CAPTURE(v2);
            const Machine machine{v2 ? only_v2 : Files{}};
            auto facts = machine.facts();
            facts.lxc_version = row.version;
            CHECK(doctor::examine(facts).empty() == (v2 ? row.v2 : row.v1));
        }
    }
}

TEST_CASE("every check sees what it is for, and nothing else does") {
    std::vector<Row> rows;
    for (const auto part :
         {rows_of_failures, rows_of_access, rows_of_warnings, rows_of_processors, rows_of_room}) {
        for (auto& row : part()) rows.push_back(std::move(row));
    }
    std::set<std::string> seen;
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto findings = examine(row);
        CHECK(names_of(findings) == std::set<std::string>{row.name});
        for (const auto& finding : findings) {
            CHECK(!finding.found.empty());
            CHECK(!finding.mend.empty());
        }
        seen.insert(row.name);
    }
    for (const auto& check : doctor::all_checks()) {
        CAPTURE(check.name);
        CHECK(seen.contains(check.name));
    }
}

TEST_CASE("no two checks have the same name, and each name is one that doctor.override takes") {
    std::set<std::string> names;
    for (const auto& check : doctor::all_checks()) {
        CAPTURE(check.name);
        CHECK(names.insert(check.name).second);
        const auto loaded = config::load({.flags = {{"doctor.override", std::string{check.name}}}});
        CHECK(loaded.settings.doctor.override == std::vector<std::string>{check.name});
    }
}

TEST_CASE("only a failure that is not overridden by its name forbids serving") {
    const Machine machine{{{"proc/sys/kernel/core_pattern", "|/bin/x"},
                           {"proc/sys/kernel/osrelease", "5.15.24"},
                           {"sys/kernel/mm/ksm/run", "1"}}};
    struct Case {
        std::string name;
        std::vector<std::string> overridden;
        doctor::Count expected;
    };
    const Case cases[] = {
        {"nothing overridden", {}, {.failures = 2, .overridden = 0, .warnings = 1}},
        {"one", {"core-pattern"}, {.failures = 1, .overridden = 1, .warnings = 1}},
        {"a hole", {"cve-2022-0847"}, {.failures = 1, .overridden = 1, .warnings = 1}},
        {"another", {"ids-of-users"}, {.failures = 2, .overridden = 0, .warnings = 1}},
        {"a warning cannot be", {"ksm"}, {.failures = 2, .overridden = 0, .warnings = 1}},
    };
    for (const auto& row : cases) {
        CAPTURE(row.name);
        const auto facts = machine.facts(
            [&](config::Settings& settings) { settings.doctor.override = row.overridden; });
        CHECK(doctor::count(doctor::examine(facts)) == row.expected);
    }
}

TEST_CASE("overrides that no failure has as its name are told") {
    const Machine machine;
    const auto facts = machine.facts([](config::Settings& settings) {
        settings.doctor.override = {"core-pattern", "core-patern", "cve-2022-0847", "ksm"};
    });
    CHECK(doctor::unknown_overrides(facts) == std::vector<std::string>{"core-patern", "ksm"});
}
