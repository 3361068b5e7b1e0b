// A policy as the decision tree of each call: between the text (config/seccomp.policy, whose head
// has the grammar) and the program (filter.cpp).
//
// libseccomp knows no order among rules and no "otherwise": it merges the rules of a call into a
// tree, one level an argument, where a miss ends in the default action, and it drops without a word
// a rule that a wider one covers. What is read here is therefore reduced to a tree in which nothing
// is left to merge: an argument has one mask, so two branches of a level are equal or disjoint, and
// every level closes with a branch that always holds, so that no miss has to find its way back up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "isolate/filter.h"

namespace isolate {

// Far above any policy, far below the sizes at which libseccomp before 2.6.1 corrupts its memory.
inline constexpr std::size_t most_branches = 1024;

// Throws Error{invalid} that names the line.
[[noreturn]] void refuse_policy(int line, const std::string& why);

// The values of a call's leading arguments.
using Path = std::vector<std::uint32_t>;

// One rule for libseccomp: the leading arguments, masked, have these values and, if it closes its
// level, the next argument has any.
struct Branch {
    Path path;
    bool closes_level = false;
    FilterRule rule;
};

// How a line names its cases: all of them, those of its comparisons, those that are left.
enum class Form { always, matching, otherwise };

// All the rules of one call, as the tree that the head of this file promises.
class Call {
public:
    struct Level {
        unsigned argument;
        std::uint32_t mask;
        bool operator==(const Level&) const = default;
    };

    // In the order of the lines. Throws Error{invalid} for a rule that could never decide, or that
    // no tree can hold.
    void add(const FilterRule& rule, Form form);

    // To be called after the last rule. Throws Error{invalid} for a case that is left open, and for
    // a rule that says what the next wider one says.
    void check() const;

    const std::vector<Level>& levels() const { return levels_; }

    // The rule that decides whatever the arguments are; null if they count.
    const FilterRule* only_rule() const {
        return levels_.empty() ? &decisions_.begin()->second : nullptr;
    }

    // The whole tree, leaves and closing branches.
    std::vector<Branch> branches() const;

private:
    void extend_levels(const FilterRule& rule);
    const FilterRule* find_nearest(Path path, std::size_t length) const;

    std::vector<Level> levels_;
    std::map<Path, FilterRule> decisions_;
};

struct Policy {
    std::vector<FilterRule> rules;
    std::map<int, Call> calls;  // by number
};

// Throws Error{invalid} with the line of the first thing it cannot use.
Policy read_policy(std::string_view text);

}  // namespace isolate
