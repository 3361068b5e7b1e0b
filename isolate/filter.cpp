// From rules to BPF: what the number alone decides as ranges of numbers, the other calls spelled
// out for libseccomp, branch by branch of their trees (policy.h). The branch that closes a level is
// `argument >= 0`: libseccomp tests equalities before ranges. The unit tests execute the program
// against the rules, because all this leans on the library's inner order.
#include "isolate/filter.h"

#include <linux/bpf_common.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>

#include "isolate/filter_ranges.h"
#include "isolate/policy.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fd.h"

namespace isolate {
namespace {

// Stands for ENOSYS where a branch must say it: libseccomp takes no rule with the default action.
constexpr std::uint32_t stand_in = SCMP_ACT_ERRNO(4094);

using Context = std::unique_ptr<void, decltype(&::seccomp_release)>;

Context make_context() {
    auto context = Context(::seccomp_init(SCMP_ACT_ERRNO(ENOSYS)), &::seccomp_release);
    if (!context) throw sys::Error(sys::Kind::broken, "libseccomp cannot start a filter");
    const auto set = [&](scmp_filter_attr attribute, std::uint32_t value) {
        const int result = ::seccomp_attr_set(context.get(), attribute, value);
        if (result != 0) sys::fail("set an attribute of the seccomp filter", -result);
    };
    set(SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    set(SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree over the numbers
    return context;
}

std::uint32_t action_of(const FilterRule& rule) {
    if (rule.error_number == 0) return SCMP_ACT_ALLOW;
    if (rule.error_number == ENOSYS) return stand_in;
    return SCMP_ACT_ERRNO(static_cast<std::uint32_t>(rule.error_number));
}

std::uint32_t verdict_of(const FilterRule& rule) {
    return rule.error_number == 0 ? SCMP_ACT_ALLOW
                                  : SCMP_ACT_ERRNO(static_cast<std::uint32_t>(rule.error_number));
}

// Of all calls whose arguments no rule looks at, and of the numbers that are none or nobody has
// named. Up to where x32 begins, whose calls are libseccomp's to refuse.
std::vector<CallRange> decided_by_number(const Policy& policy) {
    constexpr std::uint32_t first_of_x32 = 0x4000'0000;
    auto verdicts = std::map<std::uint32_t, std::uint32_t>();
    std::uint32_t next = 0;
    for (const auto& [number, call] : policy.calls) {
        if (number < 0) continue;  // not on this architecture
        const auto known = static_cast<std::uint32_t>(number);
        for (; next < known; ++next) verdicts[next] = SCMP_ACT_ERRNO(ENOSYS);
        next = known + 1;
        if (const auto* const rule = call.only_rule()) verdicts[known] = verdict_of(*rule);
    }
    auto ranges = runs_of(verdicts);
    ranges.push_back({next, first_of_x32, SCMP_ACT_ERRNO(ENOSYS)});
    return ranges;
}

bool is_among(const std::vector<CallRange>& ranges, std::uint32_t number) {
    return std::ranges::any_of(ranges, [&](const CallRange& range) {
        return range.begin <= number && number < range.end;
    });
}

void add_branch(const Context& context, const Call& call, const Branch& branch) {
    auto comparisons = std::vector<scmp_arg_cmp>();
    for (std::size_t i = 0; i < branch.path.size(); ++i) {
        const auto& level = call.levels()[i];
        comparisons.push_back({level.argument, SCMP_CMP_MASKED_EQ, level.mask, branch.path[i]});
    }
    if (branch.closes_level) {
        comparisons.push_back({call.levels()[branch.path.size()].argument, SCMP_CMP_GE, 0, 0});
    }
    const auto& rule = branch.rule;
    const int result = ::seccomp_rule_add_exact_array(context.get(), action_of(rule), rule.number,
                                                      static_cast<unsigned>(comparisons.size()),
                                                      comparisons.data());
    if (result != 0)
        refuse_policy(rule.line, "libseccomp cannot use it: " + sys::describe(-result));
}

std::vector<sock_filter> export_program(const Context& context) {
    const auto file = sys::UniqueFd(::memfd_create("filter", MFD_CLOEXEC));
    if (!file) sys::fail("make a memory file for the seccomp filter");
    const int result = ::seccomp_export_bpf(context.get(), file.get());
    if (result != 0) sys::fail("export the seccomp filter", -result);

    auto program = std::vector<sock_filter>(BPF_MAXINSNS + 1);
    const auto bytes = ::pread(file.get(), program.data(), program.size() * sizeof program[0], 0);
    if (bytes < 0) sys::fail("read the seccomp filter back");
    program.resize(static_cast<std::size_t>(bytes) / sizeof program[0]);
    for (auto& instruction : program) {
        if (instruction.code == (BPF_RET | BPF_K) && instruction.k == stand_in) {
            instruction.k = SCMP_ACT_ERRNO(ENOSYS);
        }
    }
    return program;
}

}  // namespace

Filter compile_filter(std::string_view policy_text) {
    const auto policy = read_policy(policy_text);
    const auto ranges = decided_by_number(policy);
    const auto context = make_context();
    std::size_t count = 0;
    for (const auto& [number, call] : policy.calls) {
        if (number < 0) continue;  // not on this architecture
        if (is_among(ranges, static_cast<std::uint32_t>(number))) continue;
        for (const auto& branch : call.branches()) {
            if (++count > most_branches) refuse_policy(branch.rule.line, "the policy is too large");
            const bool is_default = branch.rule.error_number == ENOSYS && call.levels().empty();
            if (!is_default) add_branch(context, call, branch);
        }
    }
    auto program = decide_ranges(ranges, ::seccomp_arch_native());
    const auto rest = export_program(context);
    program.insert(program.end(), rest.begin(), rest.end());
    if (program.size() > BPF_MAXINSNS) {
        throw sys::Error(sys::Kind::invalid,
                         "seccomp policy: its program exceeds 4096 instructions");
    }
    return Filter{std::move(program)};
}

}  // namespace isolate
