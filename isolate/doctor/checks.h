// The judgement: facts in, findings out. One table (checks.cpp) says of each check what it looks
// at, what is wanted, why, and how to mend it; a pure function says what was found that is not so.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "isolate/doctor/facts.h"
#include "isolate/doctor/finding.h"

namespace doctor {

// What was found instead of what is wanted; empty: all is well.
using Found = std::optional<std::string>;

struct Check {
    const char* name;
    Severity severity;
    const char* what;
    const char* wanted;
    const char* why;
    const char* mend;
    Found (*found)(const Facts& facts);
};

std::span<const Check> all_checks();

// The findings of all checks and of the table of kernel holes, in the order of the tables. Those of
// doctor.override are marked so.
std::vector<Finding> examine(const Facts& facts);

// The names in doctor.override that are no check's; nothing must be overridden by a typing error.
std::vector<std::string> unknown_overrides(const Facts& facts);

}  // namespace doctor
