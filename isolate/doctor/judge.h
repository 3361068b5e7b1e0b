// What the checks find: one pure function each. Private to this folder.
#pragma once

#include "isolate/doctor/checks.h"

namespace doctor {

// The value at a path such as "proc/sys/kernel/pid_max"; null if the machine has none.
const std::string* value(const Facts& facts, const char* path);
// The same as a number; empty also if it is none.
std::optional<long long> number(const Facts& facts, const char* path);

// judge_kernel.cpp
Found kernel_too_old(const Facts& facts);
Found seccomp_missing(const Facts& facts);
Found policy_unresolved(const Facts& facts);
Found core_pattern_leaks(const Facts& facts);
Found user_namespaces_open(const Facts& facts);
Found ptrace_unrestricted(const Facts& facts);
Found no_security_module(const Facts& facts);
Found bpf_open(const Facts& facts);
Found perf_open(const Facts& facts);
Found io_uring_open(const Facts& facts);
Found userfaultfd_open(const Facts& facts);
Found dmesg_open(const Facts& facts);
Found pointers_shown(const Facts& facts);
Found tiocsti_allowed(const Facts& facts);
Found links_unprotected(const Facts& facts);
Found sysrq_enabled(const Facts& facts);
Found set_id_network_helper(const Facts& facts);

// judge_processor.cpp
Found processor_vulnerable(const Facts& facts);
Found threads_share_cores(const Facts& facts);
Found pages_merged(const Facts& facts);
Found swap_readable(const Facts& facts);
Found old_calls_enabled(const Facts& facts);
Found mitigations_off(const Facts& facts);
Found governor_varies(const Facts& facts);
Found turbo_enabled(const Facts& facts);
Found huge_pages_always(const Facts& facts);
Found addresses_random(const Facts& facts);
Found cores_differ(const Facts& facts);

// judge_cgroup.cpp
Found controllers_missing(const Facts& facts);
Found groups_read_only(const Facts& facts);
Found group_is_threaded(const Facts& facts);
Found lxc_without_layout(const Facts& facts);
Found swap_uncounted(const Facts& facts);
Found cpu_quota_missing(const Facts& facts);
Found panic_on_oom(const Facts& facts);

// judge_access.cpp
Found ids_of_users(const Facts& facts);
Found ids_of_others(const Facts& facts);
Found ids_out_of_range(const Facts& facts);
Found writable_by_others(const Facts& facts);
Found reached_by_link(const Facts& facts);
Found secrets_readable(const Facts& facts);
Found open_to_all(const Facts& facts);

// judge_capacity.cpp
Found few_descriptors(const Facts& facts);
Found few_pids(const Facts& facts);
Found few_threads(const Facts& facts);
Found few_files(const Facts& facts);
Found few_namespaces(const Facts& facts);
Found few_watches(const Facts& facts);
Found few_keys(const Facts& facts);
Found little_memory(const Facts& facts);
Found little_disk(const Facts& facts);
Found few_entries(const Facts& facts);
Found little_entropy(const Facts& facts);
Found slow_clock(const Facts& facts);
Found clock_unkept(const Facts& facts);

}  // namespace doctor
