// What a stage may use: the only limits struct in the program.
//
// One Limits value travels from the settings through a runtime, a request and the box down to the
// kernel. Every field is enforced by the kernel. "No limit" is the largest value of the field,
// except in cpu_percent, where it is 0. Ceilings are Limits too: what an operator allows is what a
// request is clamped to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "config/units.h"

namespace config {

struct Limits {
    Milliseconds wall_time{3000};
    Milliseconds cpu_time{3000};  // of all processes and threads together
    Bytes memory = 256_MiB;       // resident pages and files in the box; swap is never used
    int processes = 64;           // threads count, as the kernel counts them
    int open_files = 2048;        // per process
    Bytes file_size{10'000'000};  // of any single file
    Bytes disk = 64_MiB;          // job directory, /tmp and /dev/shm together
    int disk_entries = 8192;      // files, directories and links in those
    Bytes output = 1_MiB;         // per stream
    int cpu_percent = 0;          // of one core, all processes together; 0 means no quota

    bool operator==(const Limits&) const = default;

    // Each limit, but never more than the ceiling's.
    Limits within(const Limits& ceiling) const;
};

// The limits of both stages of a job.
struct StageLimits {
    Limits compile{
        .wall_time = Milliseconds{10000}, .cpu_time = Milliseconds{10000}, .memory = 512_MiB};
    Limits run;

    bool operator==(const StageLimits&) const = default;
};

// Limits a runtime changes, by Piston's names: max_process_count,
// max_open_files, max_file_size, compile_memory_limit, run_memory_limit, compile_timeout,
// run_timeout, compile_cpu_time, run_cpu_time, output_max_size. Times in milliseconds, sizes in
// bytes; -1 means unlimited, 0 means "as configured globally".
using LimitOverrides = std::map<std::string, std::int64_t>;

// True if the name is one of the ten above.
bool is_limit_override(std::string_view name);

// The limits with the overrides applied. Throws std::invalid_argument naming an unknown key or a
// value below -1.
StageLimits with_overrides(StageLimits limits, const LimitOverrides& overrides);

}  // namespace config
