// Most calls are decided by their number alone: allowed whatever their arguments are, refused, or
// not named by the policy at all. They come in runs of neighbouring numbers. libseccomp spells out
// each of them, and the kernel works through the program for every job: it compiles each
// instruction, and executes it for each number to learn which calls are always allowed, both before
// the job can begin. A search over the borders of the runs, before libseccomp's program, takes one
// instruction a border and eight on the way to any answer.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <map>
#include <vector>

namespace isolate {

// System calls by number, `end` not among them, and the kernel's word for them (SECCOMP_RET_…).
struct CallRange {
    std::uint32_t begin = 0, end = 0;
    std::uint32_t verdict = SECCOMP_RET_ALLOW;

    bool operator==(const CallRange&) const = default;
};

// The runs of one verdict among calls, which are given by number. Of more than the reach of a BPF
// jump allows, the longest, and of more verdicts than ten, those ten that decide most.
std::vector<CallRange> runs_of(const std::map<std::uint32_t, std::uint32_t>& verdicts);

// Instructions that decide a call of this architecture in one of these ascending ranges; for all
// others they end at the instruction that follows, with the accumulator undefined. Empty without
// ranges.
std::vector<sock_filter> decide_ranges(const std::vector<CallRange>& ranges,
                                       std::uint32_t architecture);

}  // namespace isolate
