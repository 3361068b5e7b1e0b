#include "isolate/doctor/checks.h"

#include <algorithm>

#include "isolate/doctor/judge.h"

namespace doctor {

namespace {

using enum Severity;

Found self_test_failed(const Facts& facts) {
    if (!facts.self_test_trouble || facts.self_test_trouble->empty()) return std::nullopt;
    return *facts.self_test_trouble;
}

Found memory_not_limited(const Facts& facts) {
    if (!facts.memory_kill_trouble || facts.memory_kill_trouble->empty()) return std::nullopt;
    return *facts.memory_kill_trouble;
}

Found something_left(const Facts& facts) {
    if (facts.left_overs.empty()) return std::nullopt;
    std::string text;
    for (const auto& thing : facts.left_overs) text.append(text.empty() ? "" : ", ").append(thing);
    return text;
}

// clang-format off: a table, one check a paragraph: name, severity, what, wanted, why, how to mend.
constexpr Check table[] = {
    {"kernel-version", fail, "the kernel", "Linux 5.10 or later",
     "openat2, close_range, clone3 into a cgroup and pidfds are what boxes are made with",
     "install a newer kernel", kernel_too_old},
    {"seccomp-available", fail, "system call filters",
     "the actions errno and kill_process (kernel.seccomp.actions_avail)",
     "without a filter every system call of the kernel is open to a program",
     "use a kernel with CONFIG_SECCOMP_FILTER", seccomp_missing},
    {"seccomp-policy", fail, "the system call policy", "one whose every rule can be used",
     "a rule that is not understood is a rule that is not there",
     "put the policy right, or take the one that was shipped (paths.seccomp_policy)",
     policy_unresolved},
    {"runner-self-test", fail, "a box, from the inside",
     "what its self-test expects: no privilege, a filter, own namespaces, AF_ALG refused",
     "each layer is one that must hold when another has a hole",
     "look at the log and at what is changed on this machine", self_test_failed},
    {"memory-limit", fail, "a program that takes more memory than it may",
     "that the kernel kills it", "one program could take the memory of the whole machine",
     "use a kernel with the memory controller, and let it count swap (swapaccount=1)",
     memory_not_limited},
    {"cgroup-controllers", fail, "cgroup controllers",
     "memory, pids and cpu, and on cgroup v1 cpuacct, each in one hierarchy",
     "limits of programs are the kernel's; what is missing is a limit that is missing",
     "mount them, or take cgroup_disable= off the kernel's command line", controllers_missing},
    {"cgroup-writable", fail, "cgroup hierarchies", "those controllers mounted writable",
     "groups for programs have to be made",
     "mount them rw; in a container: --privileged, or delegation", groups_read_only},
    {"cgroup-type", fail, "the cgroup of pool.cgroup", "the type \"domain\"",
     "a threaded group cannot limit memory, and holds no processes",
     "name another group in pool.cgroup", group_is_threaded},
    {"lxc-cgroups", fail, "the LXC library", "one for the cgroup version that limits programs",
     "LXC before 4.0 starts no container on cgroup v2, and from 7.0 on none on v1",
     "install another LXC, or choose the version by systemd.unified_cgroup_hierarchy= on the "
     "kernel's command line",
     lxc_without_layout},
    {"swap-accounting", fail, "swap", "none, or swap that groups count",
     "a program at its memory limit would go on in swap",
     "swapoff -a, or swapaccount=1 on the kernel's command line", swap_uncounted},
    {"core-pattern", fail, "what the kernel does with a crashed program",
     "a core pattern without | and beneath no shared directory",
     "a piped pattern runs a program of root's outside of all containers for each crash, and "
     "RLIMIT_CORE "
     "does not keep it from that",
     "sysctl -w kernel.core_pattern=core, and the same in /etc/sysctl.d", core_pattern_leaks},
    {"ids-of-users", fail, "the user and group ids of runners", "ids that no user and no group has",
     "a program that left its container would be that user", "move them with pool.first_uid",
     ids_of_users},
    {"ids-of-others", fail, "the user and group ids of runners",
     "ids that /etc/subuid and /etc/subgid give to nobody else",
     "containers of others would share ids with programs here: signals, quotas, files",
     "move them with pool.first_uid", ids_of_others},
    {"ids-in-range", fail, "the user and group ids of runners",
     "65536 a runner, above 65535 and below 4294967295",
     "0 is root, and beyond the end they would begin again there",
     "choose pool.first_uid and pool.runners so that they fit", ids_out_of_range},
    {"paths-writable", fail, "files and directories the engine trusts",
     "that only root, the owner of this program and, for packages, the engine's user may write "
     "there",
     "who can change a recipe, a package, the lock or the settings decides what runs",
     "chown root and chmod go-w what is named, or name another place in the settings",
     writable_by_others},
    {"paths-linked", fail, "the way to files and directories the engine trusts",
     "no symbolic link but root's own in directories that only root may write",
     "whoever can turn a link decides what root opens or makes",
     "name the place itself in the settings, or remove the link", reached_by_link},
    {"secrets-readable", fail, "files with secrets", "that not everybody may read them",
     "every local user, and every program that gets out, could use the keys",
     "chmod o-r what is named, and chgrp it to the engine's user", secrets_readable},
    {"listen-open", fail, "who can reach the API", "clients of this machine only",
     "whoever reaches the port may run code here, and no key is asked for it",
     "make keys (crankcase key create NAME) and name their file in keys.file, or listen on "
     "127.0.0.1 behind a proxy that asks who it is",
     open_to_all},

    {"cpu-quota", warn, "quotas of processors", "a kernel that gives groups a quota",
     "limits.run.cpu_percent and those of dialects would limit nothing",
     "a kernel with CONFIG_CFS_BANDWIDTH", cpu_quota_missing},
    {"userns-open", warn, "user namespaces for everybody", "few, or none without privilege",
     "most holes of the kernel are reached from a user namespace; boxes refuse them, other "
     "programs do not",
     "sysctl -w user.max_user_namespaces=256, or kernel.unprivileged_userns_clone=0",
     user_namespaces_open},
    {"ptrace-scope", warn, "who may trace whom", "kernel.yama.ptrace_scope of 1 or more",
     "a program of the same user could take another over",
     "use a kernel with Yama, and sysctl -w kernel.yama.ptrace_scope=1", ptrace_unrestricted},
    {"security-module", warn, "a security module", "AppArmor or SELinux",
     "it would still confine a program that has left its namespaces",
     "enable one (lsm= on the kernel's command line)", no_security_module},
    {"bpf-open", warn, "bpf for everybody", "kernel.unprivileged_bpf_disabled of 1 or 2",
     "its verifier has had holes that lead into the kernel; boxes refuse it, other programs do "
     "not",
     "sysctl -w kernel.unprivileged_bpf_disabled=1", bpf_open},
    {"perf-open", warn, "perf for everybody", "kernel.perf_event_paranoid of 2 or more",
     "it measures what other programs do; boxes refuse it, other programs do not",
     "sysctl -w kernel.perf_event_paranoid=2", perf_open},
    {"io-uring-open", warn, "io_uring for everybody", "kernel.io_uring_disabled of 1 or 2",
     "a large surface that system call filters do not see; boxes refuse it, other programs do "
     "not",
     "sysctl -w kernel.io_uring_disabled=2", io_uring_open},
    {"userfaultfd-open", warn, "userfaultfd for everybody", "vm.unprivileged_userfaultfd of 0",
     "it holds the kernel still in the middle of things, which makes races winnable",
     "sysctl -w vm.unprivileged_userfaultfd=0", userfaultfd_open},
    {"dmesg-open", warn, "who reads the kernel's log", "kernel.dmesg_restrict of 1",
     "it has addresses and names of this machine", "sysctl -w kernel.dmesg_restrict=1", dmesg_open},
    {"pointers-shown", warn, "who sees the kernel's addresses", "kernel.kptr_restrict of 1 or 2",
     "an exploit has to know where the kernel lies", "sysctl -w kernel.kptr_restrict=1",
     pointers_shown},
    {"tiocsti-legacy", warn, "typing into somebody else's terminal", "dev.tty.legacy_tiocsti of 0",
     "a program can write commands into the terminal it was started from; boxes refuse it, "
     "other programs "
     "do not",
     "sysctl -w dev.tty.legacy_tiocsti=0", tiocsti_allowed},
    {"links-protected", warn, "links and fifos in directories that all may write",
     "fs.protected_symlinks, _hardlinks, _fifos and _regular of 1 or more",
     "programs of root's can be led astray by what others put there",
     "sysctl -w what is named to 1", links_unprotected},
    {"sysrq", warn, "the magic key", "kernel.sysrq without killing, dumping and rebooting",
     "a console, also a serial one, is enough to use it", "sysctl -w kernel.sysrq=0",
     sysrq_enabled},
    {"lxc-user-nic", warn, "lxc-user-nic", "not set-user-id",
     "it has let users reach what is not theirs again and again, and is not needed here",
     "chmod u-s what is named, or dpkg-statoverride", set_id_network_helper},
    {"oom-panic", warn, "what the kernel does without memory", "vm.panic_on_oom of 0",
     "a program at its limit could stop the machine", "sysctl -w vm.panic_on_oom=0", panic_on_oom},

    {"processor-bugs", warn, "bugs of the processor", "none that the kernel calls vulnerable",
     "a program can read what others, or the kernel, hold in memory",
     "install microcode and a newer kernel", processor_vulnerable},
    {"smt", warn, "two threads a core", "off",
     "programs on one core see each other's caches and buffers",
     "nosmt on the kernel's command line, or echo off > /sys/devices/system/cpu/smt/control",
     threads_share_cores},
    {"ksm", warn, "merging of equal pages", "off",
     "how long a write takes tells a program what others have in memory",
     "echo 2 > /sys/kernel/mm/ksm/run", pages_merged},
    {"swap-encrypted", warn, "swap", "none, or an encrypted one",
     "what programs had in memory stays on the disk", "swapoff -a, or encrypt it", swap_readable},
    {"ia32", warn, "system calls of 32-bit programs", "off",
     "a second surface that nothing here uses; boxes kill what calls it, other programs may",
     "ia32_emulation=0 on the kernel's command line", old_calls_enabled},
    {"mitigations", warn, "mitigations of processor bugs", "those of the kernel's own choice",
     "with them off one program can read another's memory",
     "take what is named off the kernel's command line", mitigations_off},

    {"limit-descriptors", warn, "files the engine may open", "enough for all clients and jobs",
     "clients would be turned away for no visible reason",
     "LimitNOFILE= of the service, or ulimit -n", few_descriptors},
    {"limit-pids", warn, "process ids", "twice what all jobs may have",
     "jobs within their limits would fail to start processes", "sysctl -w kernel.pid_max=4194304",
     few_pids},
    {"limit-threads", warn, "threads of the machine", "twice what all jobs may have",
     "jobs within their limits would fail to start threads", "sysctl -w kernel.threads-max=100000",
     few_threads},
    {"limit-files", warn, "files of the machine", "what all jobs may open",
     "one job could use up everybody's", "sysctl -w fs.file-max=1000000", few_files},
    {"limit-namespaces", warn, "namespaces of the machine", "enough for all runners and jobs",
     "boxes could not be made", "sysctl -w user.max_..._namespaces to more", few_namespaces},
    {"limit-inotify", warn, "watches of files", "16 and more for each user",
     "the engine watches its packages, and programs their files",
     "sysctl -w fs.inotify.max_user_instances=128", few_watches},
    {"limit-keys", warn, "keys of each user", "100 and more",
     "containers have a session keyring each", "sysctl -w kernel.keys.maxkeys=200", few_keys},
    {"memory-free", warn, "free memory", "what the jobs that run at once may take",
     "the kernel would have to choose what to kill",
     "lower admission.concurrent_jobs or limits.run.memory", little_memory},
    {"disk-free", warn, "room on the disk", "64 MiB and more for packages and mount points",
     "packages could not be installed", "make room, or move paths.data_directory", little_disk},
    {"entries-free", warn, "room for names on the disk", "4096 and more",
     "packages could not be installed", "make room, or move paths.data_directory", few_entries},
    {"entropy", warn, "random numbers", "128 bits and more at hand",
     "programs wait for them when they start", "install a source (virtio-rng, rngd)",
     little_entropy},
    {"clock-source", warn, "the clock", "tsc, kvm-clock or the like",
     "asking for the time would cost programs a microsecond and more",
     "clocksource=tsc, if the machine's is sound", slow_clock},
    {"clock-kept", warn, "the clock", "that NTP keeps it right",
     "logs and certificates go by it; limits do not", "install chrony or systemd-timesyncd",
     clock_unkept},
    {"left-overs", warn, "what earlier engines of this name left", "nothing",
     "it takes room, and its processes may still run", "crankcase doctor --fix", something_left},

    {"governor", info, "the processor's governor", "performance",
     "equal programs take different times", "cpupower frequency-set -g performance",
     governor_varies},
    {"turbo", info, "the processor's turbo", "off", "equal programs take different times",
     "echo 0 > /sys/devices/system/cpu/cpufreq/boost", turbo_enabled},
    {"huge-pages", info, "huge pages", "madvise or never", "equal programs take different times",
     "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", huge_pages_always},
    {"address-layout", info, "random addresses", "off, for comparable times only",
     "equal programs take different times; leave it on where programs are not trusted",
     "sysctl -w kernel.randomize_va_space=0, for measurements", addresses_random},
    {"cores-differ", info, "the processor's cores", "all alike",
     "a time depends on where a program ran",
     "keep the engine on cores of one kind (taskset, AllowedCPUs=)", cores_differ},
};
// clang-format on

bool is_overridden(const Facts& facts, const std::string& name) {
    return std::ranges::count(facts.settings.doctor.override, name) > 0;
}

Finding finding_of(const Check& check, std::string found) {
    return {.severity = check.severity,
            .name = check.name,
            .what = check.what,
            .found = std::move(found),
            .wanted = check.wanted,
            .why = check.why,
            .mend = check.mend};
}

Finding finding_of(const KernelHole& hole, const KernelVersion& kernel) {
    std::string repaired;
    for (const auto& version : hole.repaired)
        repaired.append(repaired.empty() ? "" : ", ").append(to_string(version));
    return {.severity = fail,
            .name = hole.name,
            .what = "a hole of the kernel that is used to leave containers",
            .found = "Linux " + to_string(kernel),
            .wanted = repaired + ", or later of those series",
            .why = hole.about,
            .mend =
                "install a newer kernel; if your distribution has repaired it in this one, "
                "doctor.override = [\"" +
                hole.name + "\"]"};
}

}  // namespace

std::span<const Check> all_checks() {
    return table;
}

std::vector<Finding> examine(const Facts& facts) {
    std::vector<Finding> findings;
    if (facts.kernel) {
        for (const auto& hole : facts.holes) {
            if (has_hole(*facts.kernel, hole)) findings.push_back(finding_of(hole, *facts.kernel));
        }
    }
    for (const auto& check : all_checks()) {
        if (auto found = check.found(facts))
            findings.push_back(finding_of(check, std::move(*found)));
    }
    for (auto& finding : findings)
        finding.overridden = finding.severity == fail && is_overridden(facts, finding.name);
    return findings;
}

std::vector<std::string> unknown_overrides(const Facts& facts) {
    std::vector<std::string> unknown;
    for (const auto& name : facts.settings.doctor.override) {
        const bool check = std::ranges::any_of(all_checks(), [&](const Check& known) {
            return known.name == name && known.severity == fail;
        });
        const bool hole = std::ranges::count(facts.holes, name, &KernelHole::name) > 0;
        if (!check && !hole) unknown.push_back(name);
    }
    return unknown;
}

}  // namespace doctor
