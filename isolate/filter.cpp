// From policy text to BPF in three steps: read the lines, check what they say about each call,
// spell each call out: what is always allowed as ranges of numbers, the others for libseccomp.
//
// libseccomp knows no order among rules and no "otherwise": it merges the rules of a call into a
// tree, one level an argument, where a miss ends in the default action, and it drops without a word
// a rule that a wider one covers. The checks therefore reduce every call to a decision tree in
// which nothing is left to merge: an argument has one mask, so two branches of a level are equal or
// disjoint, and every level closes with a branch that always holds, so that no miss has to find its
// way back up. That closing branch is `argument >= 0`: libseccomp tests equalities before ranges.
// The unit tests execute the program against the rules, because all this leans on the library's
// inner order.
#include "isolate/filter.h"

#include <linux/bpf_common.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "isolate/filter_ranges.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fd.h"

namespace isolate {
namespace {

// From here on a number means the same call on every architecture.
constexpr std::uint32_t first_shared_number = 424;
constexpr std::uint32_t last_number = 1023;

// Far above any policy, far below the sizes at which libseccomp before 2.6.1 corrupts its memory.
constexpr std::size_t most_branches = 1024;

// Stands for ENOSYS where a branch must say it: libseccomp takes no rule with the default action.
constexpr std::uint32_t stand_in = SCMP_ACT_ERRNO(4094);

[[noreturn]] void refuse(int line, const std::string& why) {
    throw sys::Error(sys::Kind::invalid,
                     "seccomp policy, line " + std::to_string(line) + ": " + why);
}

std::string quoted(std::string_view word) {
    return "'" + std::string(word) + "'";
}

// --- Reading -----------------------------------------------------------------------------------

// The words and signs of one line, taken from the left.
class Line {
public:
    Line(int number, std::string_view text) : number_(number), rest_(text) {
        for (std::size_t i = 0; i < rest_.size(); ++i) {
            const bool comment = rest_[i] == '#' && (i == 0 || is_space(rest_[i - 1]));
            if (comment) rest_ = rest_.substr(0, i);
        }
        skip_space();
    }

    int number() const { return number_; }
    bool done() const { return rest_.empty(); }

    // The next word or sign; empty at the end.
    std::string_view peek() const {
        if (rest_.starts_with("==")) return rest_.substr(0, 2);
        const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_word);
        const auto length = static_cast<std::size_t>(end - rest_.begin());
        return rest_.substr(0, std::max<std::size_t>(length, 1));
    }

    std::string_view take() {
        const auto token = peek();
        rest_.remove_prefix(token.size());
        skip_space();
        return token;
    }

    bool take_if(std::string_view expected) {
        if (peek() != expected) return false;
        take();
        return true;
    }

    void expect(std::string_view expected) {
        if (!take_if(expected))
            refuse(number_, quoted(expected) + " expected before " + quoted(rest_));
    }

private:
    static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r'; }
    static bool is_word(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '#';
    }
    void skip_space() {
        while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    }

    int number_;
    std::string_view rest_;
};

std::optional<std::uint32_t> parse_number(std::string_view word) {
    const int base = word.starts_with("0x") ? 16 : 10;
    if (base == 16) word.remove_prefix(2);
    std::uint32_t value = 0;
    const char* last = word.data() + word.size();
    const auto [end, error] = std::from_chars(word.data(), last, value, base);
    if (error != std::errc{} || end != last) return std::nullopt;
    return value;
}

std::uint32_t take_number(Line& line) {
    const auto word = line.take();
    const auto value = parse_number(word);
    if (!value) refuse(line.number(), quoted(word) + " is not a number of 32 bits");
    return *value;
}

int take_action(Line& line) {
    constexpr int end_of_errnos = 134;
    const auto word = line.take();
    if (word == "allow") return 0;
    for (int number = 1; number < end_of_errnos; ++number) {
        const char* name = ::strerrorname_np(number);
        if (name != nullptr && word == name) return number;
    }
    refuse(line.number(), quoted(word) + " is neither 'allow' nor the name of an errno");
}

// NAME or NAME#NUMBER.
FilterRule take_call(Line& line, int error_number) {
    const auto word = line.take();
    const auto hash = word.find('#');
    const auto name = std::string(word.substr(0, hash));
    const int known = ::seccomp_syscall_resolve_name(name.c_str());
    const bool unknown = known == __NR_SCMP_ERROR;
    auto rule = FilterRule{.line = line.number(),
                           .error_number = error_number,
                           .name = name,
                           .number = known,
                           .when = {}};

    if (hash == std::string_view::npos) {
        if (unknown)
            refuse(rule.line, "libseccomp does not know " + quoted(word) + ": write NAME#NUMBER");
        return rule;
    }
    const auto given = parse_number(word.substr(hash + 1));
    if (name.empty() || !given || *given < first_shared_number || *given > last_number) {
        refuse(rule.line, quoted(word) + " is not a name and a number from 424 to 1023");
    }
    if (unknown) rule.number = static_cast<int>(*given);
    if (known >= 0 && known != static_cast<int>(*given)) {
        refuse(rule.line, quoted(name) + " has the number " + std::to_string(known));
    }
    return rule;
}

Comparison take_comparison(Line& line) {
    const auto word = line.take();
    if (word.size() != 4 || !word.starts_with("arg") || word[3] < '0' || word[3] > '5') {
        refuse(line.number(), quoted(word) + " is not one of arg0 to arg5");
    }
    auto comparison = Comparison{.argument = static_cast<unsigned>(word[3] - '0'), .values = {}};
    if (line.take_if("&")) comparison.mask = take_number(line);
    if (comparison.mask == 0) refuse(line.number(), "a mask of 0 leaves nothing to compare");
    if (line.take_if("in")) {
        line.expect("{");
        do {
            comparison.values.push_back(take_number(line));
        } while (line.take_if(","));
        line.expect("}");
    } else {
        line.expect("==");
        comparison.values.push_back(take_number(line));
    }
    return comparison;
}

enum class Form { always, matching, otherwise };

struct Statement {
    Form form = Form::always;
    std::vector<FilterRule> rules;  // one for each name
};

Statement parse_statement(Line line) {
    auto statement = Statement{};
    const int error_number = take_action(line);
    do {
        statement.rules.push_back(take_call(line, error_number));
    } while (!line.done() && line.peek() != "if" && line.peek() != "otherwise");

    if (line.take_if("otherwise")) {
        statement.form = Form::otherwise;
    } else if (line.take_if("if")) {
        statement.form = Form::matching;
        auto when = std::vector<Comparison>();
        do {
            when.push_back(take_comparison(line));
        } while (line.take_if("and"));
        for (auto& rule : statement.rules) rule.when = when;
    }
    if (!line.done()) refuse(line.number(), quoted(line.peek()) + " does not belong there");
    return statement;
}

// --- Checking ----------------------------------------------------------------------------------

// The values of a call's leading arguments.
using Path = std::vector<std::uint32_t>;

// One rule for libseccomp: the leading arguments, masked, have these values and, if it closes its
// level, the next argument has any.
struct Branch {
    Path path;
    bool closes_level = false;
    FilterRule rule;
};

// All the rules of one call, as the tree that the head of this file promises.
class Call {
public:
    struct Level {
        unsigned argument;
        std::uint32_t mask;
        bool operator==(const Level&) const = default;
    };

    void add(const FilterRule& rule, Form form) {
        if (form == Form::always && !decisions_.empty()) {
            refuse_as_decided(rule, decisions_.begin()->second);
        }
        if (form == Form::otherwise && decisions_.empty()) {
            refuse(rule.line, quoted(rule.name) + " has no 'if' line before its 'otherwise'");
        }
        extend_levels(rule);
        for (auto& path : paths(rule)) {
            const auto* wider = find_nearest(path, path.size());
            if (wider != nullptr) refuse_as_decided(rule, *wider);
            decisions_.emplace(std::move(path), rule);
        }
    }

    // To be called after the last rule.
    void check() const {
        const auto& first = decisions_.begin()->second;
        if (!decisions_.contains(Path{})) {
            refuse(first.line, quoted(first.name) + " has no 'otherwise' line");
        }
        for (const auto& [path, rule] : decisions_) {
            if (path.empty()) continue;
            const auto* wider = find_nearest(path, path.size() - 1);
            if (wider->error_number == rule.error_number) {
                refuse(rule.line, "line " + std::to_string(wider->line) + " says the same of " +
                                      quoted(rule.name));
            }
        }
    }

    const std::vector<Level>& levels() const { return levels_; }

    bool is_always_allowed() const {
        return levels_.empty() && decisions_.begin()->second.error_number == 0;
    }

    std::vector<Branch> branches() const {
        auto inner = std::set<Path>();
        for (const auto& [path, rule] : decisions_) {
            for (std::size_t length = 0; length < path.size(); ++length) {
                inner.emplace(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(length));
            }
        }
        auto result = std::vector<Branch>();
        for (const auto& [path, rule] : decisions_) {
            if (!inner.contains(path)) result.push_back({path, false, rule});
        }
        for (const auto& path : inner) {
            result.push_back({path, true, *find_nearest(path, path.size())});
        }
        return result;
    }

private:
    [[noreturn]] static void refuse_as_decided(const FilterRule& rule, const FilterRule& earlier) {
        refuse(rule.line,
               quoted(rule.name) + " is already decided in line " + std::to_string(earlier.line));
    }

    void extend_levels(const FilterRule& rule) {
        for (std::size_t i = 0; i < rule.when.size(); ++i) {
            const auto level = Level{rule.when[i].argument, rule.when[i].mask};
            if (i == levels_.size() && (i == 0 || levels_.back().argument < level.argument)) {
                levels_.push_back(level);
            } else if (i == levels_.size() || levels_[i] != level) {
                refuse(rule.line, "arguments of " + quoted(rule.name) +
                                      " are not compared from the left, each through one mask");
            }
        }
    }

    // Every combination of the values a rule lists.
    static std::vector<Path> paths(const FilterRule& rule) {
        auto result = std::vector<Path>{{}};
        for (const auto& comparison : rule.when) {
            auto longer = std::vector<Path>();
            for (const auto value : comparison.values) {
                if ((value & ~comparison.mask) != 0) {
                    refuse(rule.line, std::to_string(value) + " has bits outside its mask");
                }
                for (auto path : result) {
                    path.push_back(value);
                    longer.push_back(std::move(path));
                }
                if (longer.size() > most_branches) refuse(rule.line, "too many combinations");
            }
            result = std::move(longer);
        }
        return result;
    }

    // The decision at the longest beginning of a path, of at most that length; null without one.
    const FilterRule* find_nearest(Path path, std::size_t length) const {
        for (path.resize(length);; path.pop_back()) {
            const auto found = decisions_.find(path);
            if (found != decisions_.end()) return &found->second;
            if (path.empty()) return nullptr;
        }
    }

    std::vector<Level> levels_;
    std::map<Path, FilterRule> decisions_;
};

struct Policy {
    std::vector<FilterRule> rules;
    std::map<int, Call> calls;  // by number
};

Policy read_policy(std::string_view text) {
    auto policy = Policy{};
    for (int number = 1; !text.empty(); ++number) {
        const auto length = std::min(text.find('\n'), text.size());
        const auto line = Line(number, text.substr(0, length));
        text.remove_prefix(std::min(length + 1, text.size()));
        if (line.done()) continue;

        const auto statement = parse_statement(line);
        for (const auto& rule : statement.rules) {
            policy.calls[rule.number].add(rule, statement.form);
            policy.rules.push_back(rule);
        }
    }
    const auto allows = [](const FilterRule& rule) {
        return rule.error_number == 0 && rule.number >= 0;
    };
    if (std::none_of(policy.rules.begin(), policy.rules.end(), allows)) {
        refuse(1, "nothing is allowed");
    }
    for (const auto& [number, call] : policy.calls) call.check();
    return policy;
}

// --- Spelling out ------------------------------------------------------------------------------

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

// Ascending.
std::vector<std::uint32_t> always_allowed(const Policy& policy) {
    auto numbers = std::vector<std::uint32_t>();
    for (const auto& [number, call] : policy.calls) {
        if (number >= 0 && call.is_always_allowed()) {
            numbers.push_back(static_cast<std::uint32_t>(number));
        }
    }
    return numbers;
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
    if (result != 0) refuse(rule.line, "libseccomp cannot use it: " + sys::describe(-result));
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

std::vector<FilterRule> parse_policy(std::string_view text) {
    return read_policy(text).rules;
}

Filter compile_filter(std::string_view policy_text) {
    const auto policy = read_policy(policy_text);
    const auto ranges = runs_of(always_allowed(policy));
    const auto context = make_context();
    std::size_t count = 0;
    for (const auto& [number, call] : policy.calls) {
        if (number < 0) continue;  // not on this architecture
        if (is_among(ranges, static_cast<std::uint32_t>(number))) continue;
        for (const auto& branch : call.branches()) {
            if (++count > most_branches) refuse(branch.rule.line, "the policy is too large");
            const bool is_default = branch.rule.error_number == ENOSYS && call.levels().empty();
            if (!is_default) add_branch(context, call, branch);
        }
    }
    auto program = allow_ranges(ranges, ::seccomp_arch_native());
    const auto rest = export_program(context);
    program.insert(program.end(), rest.begin(), rest.end());
    if (program.size() > BPF_MAXINSNS) {
        throw sys::Error(sys::Kind::invalid,
                         "seccomp policy: its program exceeds 4096 instructions");
    }
    return Filter{std::move(program)};
}

}  // namespace isolate
