// One probe and more for every rule of the shipped policy, made from the rules: what is refused
// gets exactly its errno, what is allowed reaches the kernel, and bits that the kernel does not
// read change nothing. No rule is left out: each is executed, and the few calls that would end,
// stop or double a process have recipes.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "isolate/filter.h"
#include "tests/support/filtered_child.h"

namespace {

using support::CallArguments;
using support::CallProbe;
using support::FilterRules;
using support::reached;

FilterRules shipped_rules() {
    return isolate::parse_policy(support::shipped_policy());
}

support::FilterProgram shipped_filter() {
    return isolate::compile_filter(support::shipped_policy()).program;
}

// All corners of all rules, with the policy's answer.
std::vector<CallProbe> probes() {
    const auto rules = shipped_rules();
    std::vector<CallProbe> result;
    for (const auto& [at, arguments] : support::probes_of(rules)) {
        const auto& rule = rules.at(at);
        result.push_back({"line " + std::to_string(rule.line) + ", " + rule.name, rule.number,
                          arguments, rule.error_number == 0 ? reached : rule.error_number});
    }
    return result;
}

void check_answers(const std::vector<support::FilterProgram>& filters,
                   const std::vector<CallProbe>& probes) {
    const auto given = support::answers(filters, probes);
    for (std::size_t i = 0; i < probes.size(); ++i) {
        if (given[i] == probes[i].answer) continue;
        CAPTURE(probes[i].name);
        CAPTURE(probes[i].arguments[0]);
        CAPTURE(probes[i].arguments[1]);
        CAPTURE(probes[i].arguments[2]);
        CHECK(given[i] == probes[i].answer);
    }
}

// --- On the kernel itself --------------------------------------------------------------------

void nothing(int) {}

// How a call is made that must not be made with arguments of no sense; the answer is its errno.
struct Recipe {
    const char* reason;
    std::function<int(long number)> call;
};

int answer_of(long result) {
    return result == -1 ? errno : 0;
}

// In the child of the probe's process.
int reap(pid_t child) {
    int status = 0;
    if (child < 0) return errno;
    pid_t reaped = 0;
    do {
        reaped = ::waitpid(child, &status, 0);
    } while (reaped < 0 && errno == EINTR);  // by the timer of call_alone
    return reaped == child ? 0 : errno;
}

volatile sig_atomic_t returned_from = 0;

const std::map<std::string, Recipe>& recipes() {
    static const std::map<std::string, Recipe> all{
        {"fork",
         {"makes a second process, which has to end",
          [](long number) {
              const long child = ::syscall(number);
              if (child == 0) ::_exit(0);
              return reap(static_cast<pid_t>(child));
          }}},
        {"vfork",
         {"shares the stack: only libc's own entry comes back from it twice",
          [](long) {
              const pid_t child = ::vfork();
              if (child == 0) ::_exit(0);
              return reap(child);
          }}},
        {"clone",
         {"makes a second process, which has to end",
          [](long number) {
              const long child = ::syscall(number, SIGCHLD, 0, 0, 0, 0);
              if (child == 0) ::_exit(0);
              return reap(static_cast<pid_t>(child));
          }}},
        {"exit",
         {"does not return: tried by a child of its own",
          [](long number) {
              const pid_t child = ::fork();
              if (child == 0) ::syscall(number, 0);
              return reap(child);
          }}},
        {"exit_group",
         {"does not return: tried by a child of its own",
          [](long number) {
              const pid_t child = ::fork();
              if (child == 0) ::syscall(number, 0);
              return reap(child);
          }}},
        {"rt_sigreturn",
         {"belongs at the end of a signal handler: a handler that comes back has called it",
          [](long) {
              ::signal(SIGUSR1, [](int) { returned_from = 1; });
              ::raise(SIGUSR1);
              return returned_from == 1 ? 0 : ENOSYS;
          }}},
        {"pause",
         {"waits for a signal: a timer sends them",
          [](long number) { return answer_of(::syscall(number)); }}},
        {"socket",
         {"its rules are for a protocol that exists",
          [](long number) { return answer_of(::syscall(number, 1, 1, 0)); }}},
        {"socketpair",
         {"its rules are for a protocol that exists",
          [](long number) {
              int pair[2];
              return answer_of(::syscall(number, 1, 1, 0, pair));
          }}},
    };
    return all;
}

// Arguments that no call can use: no descriptor, no address, no flag; what rules look at stays.
CallArguments senseless(const FilterRules& rules, const isolate::FilterRule& rule,
                        CallArguments arguments) {
    std::set<unsigned> looked_at;
    for (const auto& other : rules) {
        if (other.number != rule.number) continue;
        for (const auto& comparison : other.when) looked_at.insert(comparison.argument);
    }
    for (unsigned i = 0; i < arguments.size(); ++i) {
        if (!looked_at.contains(i)) arguments.at(i) = ~std::uint64_t{0};
    }
    return arguments;
}

// The errno of one call in a child of its own; -1 if the child died of it.
int call_alone(const std::vector<support::FilterProgram>& filters, const isolate::FilterRule& rule,
               const CallArguments& arguments) {
    constexpr int base = 100;  // exit codes are bytes, and errnos go to 133
    const int status = support::status_of(filters, [&] {
        // Whatever waits is interrupted, again and again.
        struct sigaction interrupting {};
        interrupting.sa_handler = nothing;
        ::sigaction(SIGALRM, &interrupting, nullptr);
        const itimerval often{{0, 20'000}, {0, 20'000}};
        ::setitimer(ITIMER_REAL, &often, nullptr);
        const auto recipe = recipes().find(rule.name);
        const auto& [a, b, c, d, e, f] = arguments;
        const int answer = recipe != recipes().end()
                               ? recipe->second.call(rule.number)
                               : answer_of(::syscall(rule.number, a, b, c, d, e, f));
        ::_exit(answer == 0 ? 0 : base + answer);
    });
    if (!WIFEXITED(status)) return -1;
    return WEXITSTATUS(status) == 0 ? 0 : WEXITSTATUS(status) - base;
}

}  // namespace

TEST_CASE("every rule answers on the kernel as it reads, at every corner of its arguments") {
    const auto all = probes();
    check_answers({support::filter_beneath(), shipped_filter()}, all);
    MESSAGE(shipped_rules().size() << " rules, " << all.size() << " probes");
    CHECK(all.size() > 600);
}

TEST_CASE("bits above the 32nd change no rule's answer") {
    auto all = probes();
    std::erase_if(all, [](const auto& probe) { return probe.arguments == CallArguments{}; });
    const auto high = support::with_high_bits(all, 3);
    check_answers({support::filter_beneath(), shipped_filter()}, high);
    MESSAGE(high.size() << " probes");
}

TEST_CASE("without the policy's filter every probe of a refusal reaches the kernel") {
    auto refused = probes();
    std::erase_if(refused, [](const auto& probe) { return probe.answer == reached; });
    CHECK(refused.size() > 200);
    for (auto& probe : refused) probe.answer = reached;
    check_answers({support::filter_beneath()}, refused);
}

TEST_CASE("what a rule allows gets the answer that the kernel gives without a filter") {
    const auto rules = shipped_rules();
    const auto filter = shipped_filter();
    std::set<std::size_t> tried;
    std::string unknown;
    for (const auto& [at, corner] : support::probes_of(rules)) {
        const auto& rule = rules.at(at);
        if (rule.error_number != 0 || !tried.insert(at).second) continue;
        CAPTURE(rule.line);
        CAPTURE(rule.name);
        const auto arguments = senseless(rules, rule, corner);
        const int without = call_alone({}, rule, arguments);
        CHECK(without >= 0);
        CHECK(call_alone({filter}, rule, arguments) == without);
        if (without == ENOSYS) unknown += " " + rule.name;
    }
    std::size_t allowed = 0;
    for (const auto& rule : rules) allowed += rule.error_number == 0 && rule.number >= 0 ? 1 : 0;
    CHECK(tried.size() == allowed);
    MESSAGE(tried.size() << " rules that allow, " << recipes().size()
                         << " calls by a recipe; this kernel has none of:" << unknown);
}

TEST_CASE("every recipe is for a call that the policy allows") {
    const auto rules = shipped_rules();
    for (const auto& entry : recipes()) {
        const auto& name = entry.first;
        CAPTURE(name);
        CAPTURE(entry.second.reason);
        CHECK(std::ranges::any_of(
            rules, [&](const auto& rule) { return rule.name == name && rule.error_number == 0; }));
    }
}

#if defined(__x86_64__)
TEST_CASE("no rule holds for a call through a foreign table: each kills its process") {
    const std::vector<support::FilterProgram> filters{support::filter_beneath(), shipped_filter()};
    const auto i386 = [](int number) {
        long result = number;
        asm volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
    };
    // Without the policy the filter beneath answers, if the kernel has such calls at all.
    const bool has_i386 = support::status_of({support::filter_beneath()}, [&] { i386(20); }) == 0;
    if (!has_i386) MESSAGE("skipped: this kernel has no i386 calls");
    std::set<int> numbers;
    for (const auto& rule : shipped_rules()) {
        if (!numbers.insert(rule.number).second) continue;
        CAPTURE(rule.name);
        constexpr int x32 = 0x40000000;
        CHECK(WTERMSIG(support::status_of(filters, [&] { ::syscall(rule.number | x32); })) ==
              SIGSYS);
        if (!has_i386) continue;
        CHECK(WTERMSIG(support::status_of(filters, [&] { i386(rule.number); })) == SIGSYS);
    }
    MESSAGE(numbers.size() << " calls, each through both tables");
}
#endif
