// The hardware that all programs share, and what makes two runs of one program take different
// times.
#include "isolate/doctor/judge.h"

namespace doctor {

namespace {

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const auto& part : parts) text.append(text.empty() ? "" : ", ").append(part);
    return text;
}

bool says(const Facts& facts, const std::string& word) {
    const auto* line = value(facts, "proc/cmdline");
    return line && (" " + *line + " ").find(" " + word + " ") != std::string::npos;
}

}  // namespace

Found processor_vulnerable(const Facts& facts) {
    std::vector<std::string> open;
    for (const auto& [name, text] : facts.processor_bugs) {
        if (text.starts_with("Vulnerable")) open.push_back(name + ": " + text);
    }
    if (open.empty()) return std::nullopt;
    return joined(open);
}

Found threads_share_cores(const Facts& facts) {
    if (number(facts, "sys/devices/system/cpu/smt/active") != 1) return std::nullopt;
    return "on";
}

Found pages_merged(const Facts& facts) {
    if (number(facts, "sys/kernel/mm/ksm/run") != 1) return std::nullopt;
    return "running";
}

Found swap_readable(const Facts& facts) {
    std::vector<std::string> open;
    for (const auto& swap : facts.swaps) {
        if (!swap.encrypted) open.push_back(swap.name);
    }
    if (open.empty()) return std::nullopt;
    return "not encrypted: " + joined(open);
}

Found old_calls_enabled(const Facts& facts) {
    // The file is there if the kernel was built with the emulation.
    if (!value(facts, "proc/sys/abi/vsyscall32")) return std::nullopt;
    for (const auto* word :
         {"ia32_emulation=0", "ia32_emulation=off", "ia32_emulation=n", "ia32_emulation=false"}) {
        if (says(facts, word)) return std::nullopt;
    }
    return "on";
}

Found mitigations_off(const Facts& facts) {
    for (const auto* word : {"mitigations=off", "nospectre_v1", "nospectre_v2", "nopti", "pti=off",
                             "spectre_v2=off", "spec_store_bypass_disable=off", "mds=off"}) {
        if (says(facts, word)) return word;
    }
    return std::nullopt;
}

Found governor_varies(const Facts& facts) {
    for (const auto& governor : facts.governors) {
        if (governor != "performance") return joined(facts.governors);
    }
    return std::nullopt;
}

Found turbo_enabled(const Facts& facts) {
    const bool boost = number(facts, "sys/devices/system/cpu/cpufreq/boost") == 1;
    const bool turbo = number(facts, "sys/devices/system/cpu/intel_pstate/no_turbo") == 0;
    if (!boost && !turbo) return std::nullopt;
    return "on";
}

Found huge_pages_always(const Facts& facts) {
    const auto* mode = value(facts, "sys/kernel/mm/transparent_hugepage/enabled");
    if (!mode || mode->find("[always]") == std::string::npos) return std::nullopt;
    return *mode;
}

Found addresses_random(const Facts& facts) {
    const auto mode = number(facts, "proc/sys/kernel/randomize_va_space");
    if (!mode || *mode == 0) return std::nullopt;
    return "kernel.randomize_va_space = " + std::to_string(*mode);
}

Found cores_differ(const Facts& facts) {
    if (facts.core_speeds.size() < 2) return std::nullopt;
    return "cores of " + joined(facts.core_speeds) + " kHz";
}

}  // namespace doctor
