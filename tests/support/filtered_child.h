// Children that load system call filters and call: the real kernel's answers.
//
// To execute a call without its consequences, a second filter lies beneath the first: it answers
// whatever the policy lets through with an errno that nobody else uses. Of two errnos the kernel
// takes that of the filter loaded last, so a refusal still shows as the policy's own.
#pragma once

#include <linux/filter.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/support/filter_rules.h"

namespace support {

using FilterProgram = std::vector<sock_filter>;

inline constexpr int reached = 4093;  // the answer of the filter beneath

// Everything ends in `reached`, but for the end of a child and for loading the filter above.
FilterProgram filter_beneath();

// The wait status of a child that does that with the filters loaded, the last one uppermost. It has
// IPC objects of its own, and is killed if it does not end. Throws std::runtime_error where no
// child can be made.
int status_of(std::vector<FilterProgram> filters, const std::function<void()>& work);

struct CallProbe {
    std::string name;
    long number = 0;
    CallArguments arguments{};
    int answer = 0;  // the errno expected; 0 for success
};

// The answers to all probes, called one after the other by one child; -1 for those it did not live
// to call.
std::vector<int> answers(const std::vector<FilterProgram>& filters,
                         const std::vector<CallProbe>& probes);

// The same probes with bits that the kernel does not read in an int set in the leading arguments.
std::vector<CallProbe> with_high_bits(const std::vector<CallProbe>& probes, std::size_t arguments);

}  // namespace support
