#include "config/limits.h"

#include <algorithm>
#include <stdexcept>

namespace config {

namespace {

// Overrides come from packages as well as from the operator: what does not fit the type, or would
// overflow a clock, can only mean "no limit".
int count(std::int64_t value) {
    if (value < 0 || value > unlimited_count) return unlimited_count;
    return static_cast<int>(value);
}

Bytes size(std::int64_t value) {
    return value < 0 ? unlimited_bytes : Bytes{static_cast<std::uint64_t>(value)};
}

Milliseconds time(std::int64_t value) {
    if (value < 0 || value > longest_time.count()) return unlimited_time;
    return Milliseconds{value};
}

struct Override {
    std::string_view name;
    void (*apply)(StageLimits& limits, std::int64_t value);
};

using Value = std::int64_t;

constexpr Override known_overrides[] = {
    {"max_process_count",
     [](StageLimits& l, Value v) { l.compile.processes = l.run.processes = count(v); }},
    {"max_open_files",
     [](StageLimits& l, Value v) { l.compile.open_files = l.run.open_files = count(v); }},
    {"max_file_size",
     [](StageLimits& l, Value v) { l.compile.file_size = l.run.file_size = size(v); }},
    {"compile_memory_limit", [](StageLimits& l, Value v) { l.compile.memory = size(v); }},
    {"run_memory_limit", [](StageLimits& l, Value v) { l.run.memory = size(v); }},
    {"compile_timeout", [](StageLimits& l, Value v) { l.compile.wall_time = time(v); }},
    {"run_timeout", [](StageLimits& l, Value v) { l.run.wall_time = time(v); }},
    {"compile_cpu_time", [](StageLimits& l, Value v) { l.compile.cpu_time = time(v); }},
    {"run_cpu_time", [](StageLimits& l, Value v) { l.run.cpu_time = time(v); }},
    {"output_max_size", [](StageLimits& l, Value v) { l.compile.output = l.run.output = size(v); }},
};

const Override* find_override(std::string_view name) {
    const auto* found = std::ranges::find(known_overrides, name, &Override::name);
    return found == std::ranges::end(known_overrides) ? nullptr : found;
}

// The smaller of two quotas, of which 0 is the largest.
int tighter_quota(int one, int other) {
    if (one == 0 || other == 0) return std::max(one, other);
    return std::min(one, other);
}

}  // namespace

Limits Limits::within(const Limits& ceiling) const {
    return {
        .wall_time = std::min(wall_time, ceiling.wall_time),
        .cpu_time = std::min(cpu_time, ceiling.cpu_time),
        .memory = std::min(memory, ceiling.memory),
        .processes = std::min(processes, ceiling.processes),
        .open_files = std::min(open_files, ceiling.open_files),
        .file_size = std::min(file_size, ceiling.file_size),
        .disk = std::min(disk, ceiling.disk),
        .disk_entries = std::min(disk_entries, ceiling.disk_entries),
        .output = std::min(output, ceiling.output),
        .cpu_percent = tighter_quota(cpu_percent, ceiling.cpu_percent),
    };
}

bool is_limit_override(std::string_view name) {
    return find_override(name) != nullptr;
}

StageLimits with_overrides(StageLimits limits, const LimitOverrides& overrides) {
    for (const auto& [name, value] : overrides) {
        const auto* known = find_override(name);
        if (!known) throw std::invalid_argument("there is no limit override named " + name);
        if (value < -1) {
            throw std::invalid_argument("the limit override " + name + " is " +
                                        std::to_string(value) +
                                        "; the least is -1, which means unlimited");
        }
        if (value != 0) known->apply(limits, value);
    }
    return limits;
}

}  // namespace config
