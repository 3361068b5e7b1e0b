// What the rules of a system call policy mean, in the plainest words, and the calls at which that
// can be seen: for every rule the arguments at which it decides, found from the rules themselves.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "isolate/filter.h"

namespace support {

using CallArguments = std::array<std::uint64_t, 6>;
using FilterRules = std::vector<isolate::FilterRule>;

// The policy that is shipped, as text.
std::string shipped_policy();

// The first rule of the call that holds, as an index; the number of rules if none does.
std::size_t deciding_rule(const FilterRules& rules, int number, const CallArguments& arguments);

// Its errno, 0 if it allows the call; what no rule decides is ENOSYS.
int answer_of(const FilterRules& rules, int number, const CallArguments& arguments);

// The arguments of a call that its rules can tell apart: every value that one of them looks for,
// and for each a value beside it. What no rule looks at is 0.
std::vector<CallArguments> corners_of(const FilterRules& rules, int number);

struct RuleProbe {
    std::size_t rule = 0;  // the one that decides
    CallArguments arguments{};
};

// All corners of all calls.
std::vector<RuleProbe> probes_of(const FilterRules& rules);

// Rules, and single values of rules, without which every answer would be the same; by "line NAME"
// or "line NAME VALUE". Not among them: what refuses a whole call with ENOSYS, which would be
// refused so anyway; there the line is for its reader.
std::vector<std::string> needless_rules(const FilterRules& rules);

}  // namespace support
