// Most of a policy is calls that are allowed whatever their arguments are, and these come in runs
// of neighbouring numbers: 267 calls in 39 runs. libseccomp spells out each call, which the kernel
// translates and compiles anew for every job: 0.2 ms with 640 instructions. A search over the
// borders of the runs, before libseccomp's program, takes one instruction a border.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <vector>

namespace isolate {

// System calls by number, `end` not among them.
struct CallRange {
    std::uint32_t begin = 0, end = 0;

    bool operator==(const CallRange&) const = default;
};

// The runs among ascending numbers; of more than the reach of a BPF jump allows, the longest.
std::vector<CallRange> runs_of(const std::vector<std::uint32_t>& ascending);

// Instructions that allow a call of this architecture in one of these ascending ranges; for all
// others they end at the instruction that follows, with the accumulator undefined. Empty without
// ranges.
std::vector<sock_filter> allow_ranges(const std::vector<CallRange>& ranges,
                                      std::uint32_t architecture);

}  // namespace isolate
