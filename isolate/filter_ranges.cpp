#include "isolate/filter_ranges.h"

#include <linux/bpf_common.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cstddef>

namespace isolate {
namespace {

// A conditional jump skips at most 255 instructions; each range has two borders.
constexpr std::size_t most_ranges = 120;

// The search: how many borders are at or below the number. An odd count is inside of a range.
// One instruction a border, a node before its left and its right half; behind the last stand
// `allow` and, after it, the rest of the program.
class Search {
public:
    Search(std::vector<std::uint32_t> borders, std::vector<sock_filter>& program)
        : borders_(std::move(borders)),
          program_(program),
          allow_(program.size() + borders_.size()) {}

    void emit() { emit(0, borders_.size()); }

private:
    void emit(std::size_t first, std::size_t last) {
        if (first == last) return;
        const auto middle = first + (last - first) / 2;
        const auto here = program_.size();
        const auto left = first == middle ? answer(middle) : here + 1;
        const auto right = middle + 1 == last ? answer(middle + 1) : here + 1 + (middle - first);
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, borders_[middle],
                                    distance(here, right), distance(here, left)));
        emit(first, middle);
        emit(middle + 1, last);
    }

    std::size_t answer(std::size_t count) const { return count % 2 == 1 ? allow_ : allow_ + 1; }

    static std::uint8_t distance(std::size_t from, std::size_t to) {
        return static_cast<std::uint8_t>(to - from - 1);
    }

    std::vector<std::uint32_t> borders_;
    std::vector<sock_filter>& program_;
    std::size_t allow_;
};

}  // namespace

std::vector<CallRange> runs_of(const std::vector<std::uint32_t>& ascending) {
    auto runs = std::vector<CallRange>();
    for (const auto number : ascending) {
        if (runs.empty() || runs.back().end != number) runs.push_back({number, number});
        ++runs.back().end;
    }
    std::ranges::stable_sort(runs, std::ranges::greater{},
                             [](const CallRange& run) { return run.end - run.begin; });
    runs.resize(std::min(runs.size(), most_ranges));
    std::ranges::sort(runs, std::ranges::less{}, &CallRange::begin);
    return runs;
}

std::vector<sock_filter> allow_ranges(const std::vector<CallRange>& ranges,
                                      std::uint32_t architecture) {
    auto program = std::vector<sock_filter>();
    if (ranges.empty()) return program;
    auto borders = std::vector<std::uint32_t>();
    for (const auto& range : ranges) borders.insert(borders.end(), {range.begin, range.end});
    const auto load = [&](std::size_t offset) {
        program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
    };

    load(offsetof(seccomp_data, arch));
    const auto past_the_end = static_cast<std::uint8_t>(borders.size() + 2);
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 0, past_the_end));
    load(offsetof(seccomp_data, nr));
    Search(std::move(borders), program).emit();
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
    return program;
}

}  // namespace isolate
