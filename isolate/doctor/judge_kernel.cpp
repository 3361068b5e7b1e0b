// The kernel's doors: what it offers to everybody, and what programs could reach through it.
#include <algorithm>
#include <charconv>
#include <sstream>

#include "isolate/doctor/judge.h"

namespace doctor {

namespace {

constexpr KernelVersion oldest{.major = 5, .minor = 10, .patch = 0};

// "NAME = VALUE", as sysctl(8) writes it, for a file beneath proc/sys.
std::string as_sysctl(std::string path, const std::string& text) {
    path.erase(0, std::string_view{"proc/sys/"}.size());
    std::ranges::replace(path, '/', '.');
    return path + " = " + text;
}

// Found if the value is below; a machine without the file has nothing to say.
Found below(const Facts& facts, const char* path, long long least) {
    const auto is = number(facts, path);
    if (!is || *is >= least) return std::nullopt;
    return as_sysctl(path, std::to_string(*is));
}

Found not_zero(const Facts& facts, const char* path) {
    const auto is = number(facts, path);
    if (!is || *is == 0) return std::nullopt;
    return as_sysctl(path, std::to_string(*is));
}

}  // namespace

const std::string* value(const Facts& facts, const char* path) {
    const auto at = facts.values.find(path);
    return at == facts.values.end() ? nullptr : &at->second;
}

std::optional<long long> number(const Facts& facts, const char* path) {
    const auto* text = value(facts, path);
    if (!text) return std::nullopt;
    long long result = 0;
    const auto* last = text->data() + text->size();
    const auto [end, error] = std::from_chars(text->data(), last, result);
    if (error != std::errc{} || end != last) return std::nullopt;
    return result;
}

Found kernel_too_old(const Facts& facts) {
    if (!facts.kernel) return "a kernel that does not say its version";
    if (*facts.kernel >= oldest) return std::nullopt;
    return to_string(*facts.kernel);
}

Found seccomp_missing(const Facts& facts) {
    const auto* actions = value(facts, "proc/sys/kernel/seccomp/actions_avail");
    if (!actions) return "a kernel without seccomp filters";
    std::istringstream words{*actions};
    bool refuses = false;
    bool kills = false;
    for (std::string word; words >> word;) {
        refuses = refuses || word == "errno";
        kills = kills || word == "kill_process";
    }
    if (refuses && kills) return std::nullopt;
    return "only the actions " + *actions;
}

Found policy_unresolved(const Facts& facts) {
    if (facts.policy_trouble.empty()) return std::nullopt;
    return facts.policy_trouble;
}

Found core_pattern_leaks(const Facts& facts) {
    const auto* pattern = value(facts, "proc/sys/kernel/core_pattern");
    if (!pattern || pattern->empty()) return std::nullopt;
    // In a box these are the job's own; any other absolute path may be shared.
    const bool is_private = pattern->starts_with("/tmp/") || pattern->starts_with("/dev/shm/");
    if (pattern->front() != '|' && (pattern->front() != '/' || is_private)) return std::nullopt;
    return as_sysctl("proc/sys/kernel/core_pattern", *pattern);
}

Found user_namespaces_open(const Facts& facts) {
    if (number(facts, "proc/sys/kernel/unprivileged_userns_clone") == 0) return std::nullopt;
    const auto restricted = number(facts, "proc/sys/kernel/apparmor_restrict_unprivileged_userns");
    if (restricted && *restricted != 0) return std::nullopt;
    const auto most = number(facts, "proc/sys/user/max_user_namespaces");
    // Every runner needs one; what is left beyond a few for the machine itself is anybody's.
    const long long needed = 4LL * facts.settings.most_runners() + 64;
    if (!most || *most <= needed) return std::nullopt;
    return as_sysctl("proc/sys/user/max_user_namespaces", std::to_string(*most));
}

Found ptrace_unrestricted(const Facts& facts) {
    const auto scope = number(facts, "proc/sys/kernel/yama/ptrace_scope");
    if (!scope) return "a kernel without Yama";
    if (*scope > 0) return std::nullopt;
    return as_sysctl("proc/sys/kernel/yama/ptrace_scope", "0");
}

Found no_security_module(const Facts& facts) {
    const auto* modules = value(facts, "sys/kernel/security/lsm");
    if (!modules) return "none (there is no /sys/kernel/security/lsm)";
    for (const auto* confining : {"apparmor", "selinux", "smack", "tomoyo"}) {
        if (modules->find(confining) != std::string::npos) return std::nullopt;
    }
    return "only " + *modules;
}

Found bpf_open(const Facts& facts) {
    return below(facts, "proc/sys/kernel/unprivileged_bpf_disabled", 1);
}

Found perf_open(const Facts& facts) {
    return below(facts, "proc/sys/kernel/perf_event_paranoid", 2);
}

Found io_uring_open(const Facts& facts) {
    return below(facts, "proc/sys/kernel/io_uring_disabled", 1);
}

Found userfaultfd_open(const Facts& facts) {
    return not_zero(facts, "proc/sys/vm/unprivileged_userfaultfd");
}

Found dmesg_open(const Facts& facts) {
    return below(facts, "proc/sys/kernel/dmesg_restrict", 1);
}

Found pointers_shown(const Facts& facts) {
    return below(facts, "proc/sys/kernel/kptr_restrict", 1);
}

Found tiocsti_allowed(const Facts& facts) {
    return not_zero(facts, "proc/sys/dev/tty/legacy_tiocsti");
}

Found links_unprotected(const Facts& facts) {
    std::string open;
    for (const auto* name : {"symlinks", "hardlinks", "fifos", "regular"}) {
        const auto path = std::string{"proc/sys/fs/protected_"} + name;
        if (const auto found = below(facts, path.c_str(), 1))
            open.append(open.empty() ? "" : ", ").append(*found);
    }
    if (open.empty()) return std::nullopt;
    return open;
}

Found sysrq_enabled(const Facts& facts) {
    const auto mask = number(facts, "proc/sys/kernel/sysrq");
    // 1 allows everything; bit 3 dumps processes, bit 6 signals them, bit 7 reboots (sysrq.rst).
    constexpr long long dangerous = 0x8 | 0x40 | 0x80;
    if (!mask || (*mask != 1 && (*mask & dangerous) == 0)) return std::nullopt;
    return as_sysctl("proc/sys/kernel/sysrq", std::to_string(*mask));
}

Found set_id_network_helper(const Facts& facts) {
    std::string all;
    for (const auto& path : facts.set_id_programs) all.append(all.empty() ? "" : ", ").append(path);
    if (all.empty()) return std::nullopt;
    return all;
}

}  // namespace doctor
