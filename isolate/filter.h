// The system call filter: policy text in, BPF program out.
//
// The daemon compiles config/seccomp.policy once, at its start, and init loads the program in every
// job as the last step before execve. Compiling depends on nothing but the text and the library:
// the same policy gives the same program. The grammar stands at the head of the policy itself; what
// a rule cannot say soundly is refused with its line number, so a policy that compiles means what
// it reads. Only the native system call table is open: i386 and x32 calls kill the process.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace isolate {

// One argument, seen through a mask as the 32 bits the kernel reads, is one of the values.
struct Comparison {
    unsigned argument = 0;
    std::uint32_t mask = 0xffffffff;
    std::vector<std::uint32_t> values;

    bool operator==(const Comparison&) const = default;
};

// What one line of the policy says about one system call. Of the rules of a call, in the order of
// their lines, the first whose comparisons all hold decides.
struct FilterRule {
    int line = 0;
    int error_number = 0;  // 0 allows the call
    std::string name;
    int number = -1;               // negative: this architecture has no such call
    std::vector<Comparison> when;  // empty: in every case that is left

    bool operator==(const FilterRule&) const = default;
};

// The rules of a policy, names resolved and contradictions excluded. Throws Error{invalid} with the
// line of the first thing it cannot use.
std::vector<FilterRule> parse_policy(std::string_view text);

// A program for seccomp(SECCOMP_SET_MODE_FILTER): never empty, never above BPF_MAXINSNS.
struct Filter {
    std::vector<sock_filter> program;
};

// Throws Error{invalid} as parse_policy does, and for a policy too large for the kernel;
// Error{broken} where the kernel or the library has no seccomp filters.
Filter compile_filter(std::string_view policy_text);

}  // namespace isolate
