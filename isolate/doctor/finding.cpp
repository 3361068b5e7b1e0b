#include "isolate/doctor/finding.h"

namespace doctor {

std::string_view name_of(Severity severity) {
    switch (severity) {
        case Severity::fail:
            return "fail";
        case Severity::warn:
            return "warn";
        case Severity::info:
            return "info";
    }
    __builtin_unreachable();
}

std::string sentence_of(const Finding& finding) {
    return finding.name + ": " + finding.what + ": found " + finding.found + "; wanted " +
           finding.wanted + "; why: " + finding.why + "; to mend: " + finding.mend;
}

bool forbids_serving(const Finding& finding) {
    return finding.severity == Severity::fail && !finding.overridden;
}

Count count(const std::vector<Finding>& findings) {
    Count result;
    for (const auto& finding : findings) {
        if (finding.overridden)
            ++result.overridden;
        else if (finding.severity == Severity::fail)
            ++result.failures;
        else if (finding.severity == Severity::warn)
            ++result.warnings;
        else
            ++result.notes;
    }
    return result;
}

}  // namespace doctor
