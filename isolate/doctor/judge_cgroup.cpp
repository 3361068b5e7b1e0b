// The groups that limit programs: there, ours to write, and counting everything.
#include <algorithm>
#include <charconv>
#include <system_error>

#include "isolate/doctor/judge.h"

namespace doctor {

namespace {

const Hierarchy* hierarchy_of(const Facts& facts, const std::string& controller) {
    const auto at = std::ranges::find_if(facts.hierarchies, [&](const Hierarchy& hierarchy) {
        return std::ranges::count(hierarchy.controllers, controller) > 0;
    });
    return at == facts.hierarchies.end() ? nullptr : &*at;
}

// What the keeper needs: on a hybrid machine memory decides which version is meant.
std::vector<std::string> needed(const Facts& facts) {
    const auto* memory = hierarchy_of(facts, "memory");
    std::vector<std::string> names{"memory", "pids", "cpu"};
    if (!memory || !memory->unified) names.emplace_back("cpuacct");
    return names;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts) text.append(text.empty() ? "" : ", ").append(part);
    return text;
}

}  // namespace

Found controllers_missing(const Facts& facts) {
    if (facts.hierarchies.empty()) return "no cgroup hierarchy is mounted";
    std::vector<std::string> missing;
    for (const auto& name : needed(facts)) {
        if (!hierarchy_of(facts, name)) missing.push_back(name);
    }
    if (missing.empty()) return std::nullopt;
    return "nothing for " + joined(missing);
}

Found groups_read_only(const Facts& facts) {
    std::vector<std::string> closed;
    for (const auto& name : needed(facts)) {
        const auto* hierarchy = hierarchy_of(facts, name);
        if (hierarchy && !hierarchy->writable) closed.push_back(hierarchy->mount_point);
    }
    if (closed.empty()) return std::nullopt;
    return joined(closed) + " mounted read-only";
}

Found group_is_threaded(const Facts& facts) {
    if (facts.base_group_type.empty() || facts.base_group_type == "domain") return std::nullopt;
    return facts.settings.pool.cgroup + " is of the type \"" + facts.base_group_type + "\"";
}

// LXC starts containers on cgroup v2 alone since 4.0, and on v1 up to 6.
Found lxc_without_layout(const Facts& facts) {
    constexpr int first_of_v2 = 4, last_of_v1 = 6;
    const auto* memory = hierarchy_of(facts, "memory");
    int major = 0;
    const auto& text = facts.lxc_version;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), major);
    if (!memory || error != std::errc{}) return std::nullopt;
    if (memory->unified ? major >= first_of_v2 : major <= last_of_v1) return std::nullopt;
    return "LXC " + text + ", with the memory controller on cgroup " +
           (memory->unified ? "v2" : "v1");
}

Found swap_uncounted(const Facts& facts) {
    if (facts.swaps.empty() || facts.swap_is_counted) return std::nullopt;
    return "swap that no group counts: " + facts.swaps.front().name;
}

Found cpu_quota_missing(const Facts& facts) {
    if (facts.cpu_can_be_limited) return std::nullopt;
    return "groups without a quota";
}

Found panic_on_oom(const Facts& facts) {
    const auto mode = number(facts, "proc/sys/vm/panic_on_oom");
    if (!mode || *mode == 0) return std::nullopt;
    return "vm.panic_on_oom = " + std::to_string(*mode);
}

}  // namespace doctor
