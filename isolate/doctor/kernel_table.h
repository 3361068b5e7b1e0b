// Which kernels have holes that programs have been seen to climb through, as a table in a file
// (config/kernel.holes), and the version of a kernel as its own project counts it.
//
// Pure: texts in, values out. The table is the operator's own file; what is wrong in it is refused
// with its line.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace doctor {

struct KernelVersion {
    int major = 0, minor = 0, patch = 0;

    auto operator<=>(const KernelVersion&) const = default;
};

std::string to_string(const KernelVersion& version);

// The first three numbers of "6.1.0-49-amd64", or two and a zero. Empty if there are none.
std::optional<KernelVersion> parse_kernel_version(std::string_view text);

// The upstream version that runs. `release` is /proc/sys/kernel/osrelease; where the distribution
// hides the patch in it, /proc/version ("Debian 6.1.176-1") or /proc/version_signature of Ubuntu
// says it.
std::optional<KernelVersion> upstream_version(std::string_view release, std::string_view version,
                                              std::string_view signature);

struct KernelHole {
    std::string name;                     // as a finding has it: "cve-2022-0847"
    KernelVersion since;                  // the first that has it; 0.0.0: not known, any
    std::vector<KernelVersion> repaired;  // ascending, one a series
    std::string about;

    bool operator==(const KernelHole&) const = default;
};

// Throws sys::Error{invalid} with the line that cannot be read.
std::vector<KernelHole> parse_holes(std::string_view text);

// True if the kernel has it: its series was repaired later, or never while a newer one was.
bool has_hole(const KernelVersion& kernel, const KernelHole& hole);

}  // namespace doctor
