#include "isolate/filter_ranges.h"

#include <linux/bpf_common.h>

#include <algorithm>
#include <cstddef>
#include <utility>

namespace isolate {
namespace {

// A conditional jump skips at most 255 instructions; each range has two borders, each verdict an
// instruction of its own.
constexpr std::size_t most_ranges = 120;
constexpr std::size_t most_verdicts = 10;

// Where the answer changes: from this number on it is the verdict with that index, or, with the
// index behind the last verdict, that the rest of the program decides.
struct Border {
    std::uint32_t from;
    std::size_t verdict;
};

// The search: the last border at or below the number has the answer. One instruction a border, a
// node before its left and its right half; behind the last stand the verdicts and, after them, the
// rest of the program.
class Search {
public:
    Search(std::vector<Border> borders, std::size_t rest, std::vector<sock_filter>& program)
        : borders_(std::move(borders)),
          rest_(rest),
          program_(program),
          answers_(program.size() + borders_.size()) {}

    void emit() { emit(0, borders_.size()); }

private:
    void emit(std::size_t first, std::size_t last) {
        if (first == last) return;
        const auto middle = first + (last - first) / 2;
        const auto here = program_.size();
        const auto left = first == middle ? answer(middle) : here + 1;
        const auto right = middle + 1 == last ? answer(middle + 1) : here + 1 + (middle - first);
        program_.push_back(BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, borders_[middle].from,
                                    distance(here, right), distance(here, left)));
        emit(first, middle);
        emit(middle + 1, last);
    }

    // With so many borders at or below the number.
    std::size_t answer(std::size_t count) const {
        return answers_ + (count == 0 ? rest_ : borders_[count - 1].verdict);
    }

    static std::uint8_t distance(std::size_t from, std::size_t to) {
        return static_cast<std::uint8_t>(to - from - 1);
    }

    std::vector<Border> borders_;
    std::size_t rest_;
    std::vector<sock_filter>& program_;
    std::size_t answers_;
};

std::size_t length_of(const CallRange& range) {
    return range.end - range.begin;
}

// Those that decide most calls come first.
std::vector<std::uint32_t> verdicts_of(const std::vector<CallRange>& ranges) {
    std::map<std::uint32_t, std::size_t> calls;
    for (const auto& range : ranges) calls[range.verdict] += length_of(range);
    std::vector<std::uint32_t> verdicts;
    for (const auto& [verdict, count] : calls) verdicts.push_back(verdict);
    std::ranges::stable_sort(verdicts, std::ranges::greater{},
                             [&](std::uint32_t verdict) { return calls.at(verdict); });
    return verdicts;
}

std::vector<Border> borders_of(const std::vector<CallRange>& ranges,
                               const std::vector<std::uint32_t>& verdicts) {
    std::vector<Border> borders;
    for (const auto& range : ranges) {
        const auto found = std::ranges::find(verdicts, range.verdict) - verdicts.begin();
        // The gap that the range before has announced is none.
        if (!borders.empty() && borders.back().from == range.begin) borders.pop_back();
        borders.push_back({range.begin, static_cast<std::size_t>(found)});
        borders.push_back({range.end, verdicts.size()});
    }
    return borders;
}

}  // namespace

std::vector<CallRange> runs_of(const std::map<std::uint32_t, std::uint32_t>& verdicts) {
    auto runs = std::vector<CallRange>();
    for (const auto& [number, verdict] : verdicts) {
        const bool goes_on =
            !runs.empty() && runs.back().end == number && runs.back().verdict == verdict;
        if (!goes_on) runs.push_back({number, number, verdict});
        ++runs.back().end;
    }
    auto kept = verdicts_of(runs);
    kept.resize(std::min(kept.size(), most_verdicts));
    std::erase_if(runs, [&](const CallRange& run) {
        return std::ranges::find(kept, run.verdict) == kept.end();
    });
    std::ranges::stable_sort(runs, std::ranges::greater{}, length_of);
    runs.resize(std::min(runs.size(), most_ranges));
    std::ranges::sort(runs, std::ranges::less{}, &CallRange::begin);
    return runs;
}

std::vector<sock_filter> decide_ranges(const std::vector<CallRange>& ranges,
                                       std::uint32_t architecture) {
    auto program = std::vector<sock_filter>();
    if (ranges.empty()) return program;
    const auto verdicts = verdicts_of(ranges);
    auto borders = borders_of(ranges, verdicts);
    const auto load = [&](std::size_t offset) {
        program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)));
    };

    load(offsetof(seccomp_data, arch));
    const auto past_the_end = static_cast<std::uint8_t>(borders.size() + verdicts.size() + 1);
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 0, past_the_end));
    load(offsetof(seccomp_data, nr));
    Search(std::move(borders), verdicts.size(), program).emit();
    for (const auto verdict : verdicts) program.push_back(BPF_STMT(BPF_RET | BPF_K, verdict));
    return program;
}

}  // namespace isolate
