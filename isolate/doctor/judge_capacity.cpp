// Room for what the settings allow: too little shows under load, as errors of somebody else's.
#include <algorithm>
#include <string_view>

#include "isolate/doctor/judge.h"

namespace doctor {

namespace {

using namespace config::literals;

// The least, if the machine has less.
Found below(const Facts& facts, const char* path, long long least) {
    const auto is = number(facts, path);
    if (!is || *is >= least) return std::nullopt;
    return "/" + std::string{path} + " is " + std::to_string(*is) + ", wanted are " +
           std::to_string(least);
}

// Monitor, init, spawner, PID 1 of a box, and what a job may have.
long long processes_at_once(const Facts& facts) {
    const auto& limits = facts.settings.limits;
    const auto job = std::min(std::max(limits.run.processes, limits.compile.processes), 32768);
    return 3LL * facts.settings.most_runners() +
           static_cast<long long>(facts.settings.admission.concurrent_jobs) * (job + 1LL);
}

std::optional<std::uint64_t> free_memory(const Facts& facts) {
    const auto* text = value(facts, "proc/meminfo");
    if (!text) return std::nullopt;
    constexpr std::string_view label = "MemAvailable:";
    const auto at = text->find(label);
    if (at == text->npos) return std::nullopt;
    return std::strtoull(text->c_str() + at + label.size(), nullptr, 10) * 1024;
}

std::uint64_t memory_wanted(const Facts& facts) {
    const auto& limits = facts.settings.limits;
    const auto job = std::max(limits.run.memory.count, limits.compile.memory.count);
    const auto jobs = static_cast<std::uint64_t>(facts.settings.admission.concurrent_jobs);
    // Without a limit one job can have it all, and no sum says anything.
    return job > (1_GiB).count * 1024 ? 0 : job * jobs;
}

}  // namespace

Found few_descriptors(const Facts& facts) {
    // A connection, five pipes and two sockets a job, and what there is anyway.
    const auto wanted = static_cast<std::uint64_t>(facts.settings.server.max_connections) +
                        16 * static_cast<std::uint64_t>(facts.settings.admission.concurrent_jobs) +
                        16 * static_cast<std::uint64_t>(facts.settings.most_runners()) + 64;
    if (facts.descriptors >= wanted) return std::nullopt;
    return std::to_string(facts.descriptors) + ", wanted are " + std::to_string(wanted);
}

Found few_pids(const Facts& facts) {
    return below(facts, "proc/sys/kernel/pid_max", 2 * processes_at_once(facts) + 1024);
}

Found few_threads(const Facts& facts) {
    return below(facts, "proc/sys/kernel/threads-max", 2 * processes_at_once(facts) + 1024);
}

Found few_files(const Facts& facts) {
    const auto& limits = facts.settings.limits;
    const auto job = std::min(std::max(limits.run.open_files, limits.compile.open_files), 65536);
    return below(facts, "proc/sys/fs/file-max",
                 static_cast<long long>(facts.settings.admission.concurrent_jobs) * job + 8192);
}

Found few_namespaces(const Facts& facts) {
    const long long wanted =
        2LL * (facts.settings.most_runners() + 2 * facts.settings.admission.concurrent_jobs) + 16;
    for (const auto* path :
         {"proc/sys/user/max_cgroup_namespaces", "proc/sys/user/max_ipc_namespaces",
          "proc/sys/user/max_mnt_namespaces", "proc/sys/user/max_net_namespaces",
          "proc/sys/user/max_pid_namespaces", "proc/sys/user/max_user_namespaces",
          "proc/sys/user/max_uts_namespaces"}) {
        if (auto found = below(facts, path, wanted)) return found;
    }
    return std::nullopt;
}

Found few_watches(const Facts& facts) {
    return below(facts, "proc/sys/fs/inotify/max_user_instances", 16);
}

Found few_keys(const Facts& facts) {
    return below(facts, "proc/sys/kernel/keys/maxkeys", 100);
}

Found little_memory(const Facts& facts) {
    const auto free = free_memory(facts);
    if (!free || *free >= memory_wanted(facts)) return std::nullopt;
    return std::to_string(*free >> 20) + " MiB, while " +
           std::to_string(facts.settings.admission.concurrent_jobs) + " jobs may take " +
           std::to_string(memory_wanted(facts) >> 20) + " MiB";
}

Found little_disk(const Facts& facts) {
    for (const auto& room : facts.rooms) {
        if (room.free_bytes < (64_MiB).count)
            return std::to_string(room.free_bytes >> 20) + " MiB at " + room.path;
    }
    return std::nullopt;
}

Found few_entries(const Facts& facts) {
    constexpr std::uint64_t least = 4096;
    for (const auto& room : facts.rooms) {
        if (room.counts_entries && room.free_entries < least)
            return std::to_string(room.free_entries) + " at " + room.path;
    }
    return std::nullopt;
}

Found little_entropy(const Facts& facts) {
    return below(facts, "proc/sys/kernel/random/entropy_avail", 128);
}

Found slow_clock(const Facts& facts) {
    const auto* source =
        value(facts, "sys/devices/system/clocksource/clocksource0/current_clocksource");
    if (!source || (*source != "hpet" && *source != "acpi_pm" && *source != "jiffies"))
        return std::nullopt;
    return *source;
}

Found clock_unkept(const Facts& facts) {
    if (facts.clock_is_set) return std::nullopt;
    return "nobody who keeps it right";
}

}  // namespace doctor
