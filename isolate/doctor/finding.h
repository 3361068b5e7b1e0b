// What the doctor has to say about one thing of this machine: a plain value, for people, for
// programs and for the log alike.
//
// A finding names what was looked at, what was found there, what is wanted, why, and how to mend
// it. Its name is stable: it is what the setting doctor.override takes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace doctor {

enum class Severity {
    fail,  // the engine refuses to serve, unless it is overridden by name
    warn,  // the engine serves; what stands between a program and the host is thinner than it can
           // be
    info,  // matters for comparable times only
};

std::string_view name_of(Severity severity);

struct Finding {
    Severity severity = Severity::fail;
    std::string name;
    std::string what, found, wanted, why, mend;
    bool overridden = false;  // of fail: somebody has named it in doctor.override

    bool operator==(const Finding&) const = default;
};

// "core-pattern: the kernel's core pattern is "|/x"; wanted: …; why: …; mend: …": one line.
std::string sentence_of(const Finding& finding);

// True if the engine must not serve with it.
bool forbids_serving(const Finding& finding);

struct Count {
    int failures = 0, overridden = 0, warnings = 0, notes = 0;

    bool operator==(const Count&) const = default;
};

Count count(const std::vector<Finding>& findings);

}  // namespace doctor
