// No line of the shipped policy is there for nothing, and a line that was would be found.
#include "tests/support/filter_rules.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <set>
#include <utility>

using support::FilterRules;
using Lines = std::vector<std::string>;

namespace {

isolate::FilterRule rule(int line, int error_number, std::vector<isolate::Comparison> when = {}) {
    return {.line = line,
            .error_number = error_number,
            .name = "call",
            .number = 7,
            .when = std::move(when)};
}

}  // namespace

TEST_CASE("without any rule or value of the shipped policy, some answer would be another") {
    const auto rules = isolate::parse_policy(support::shipped_policy());
    CHECK(support::needless_rules(rules) == Lines{});
}

TEST_CASE("every rule of the shipped policy decides at one of the probes at least") {
    const auto rules = isolate::parse_policy(support::shipped_policy());
    std::set<std::size_t> decides;
    for (const auto& probe : support::probes_of(rules)) decides.insert(probe.rule);
    for (std::size_t i = 0; i < rules.size(); ++i) {
        CAPTURE(rules[i].line);
        CAPTURE(rules[i].name);
        CHECK((decides.contains(i) || rules[i].number < 0));
    }
    CHECK(decides.size() > 350);
}

TEST_CASE("a rule or a value that changes no answer is found") {
    const isolate::Comparison one{.argument = 0, .values = {1}};
    const isolate::Comparison two{.argument = 1, .values = {2}};
    const isolate::Comparison both{.argument = 0, .values = {1, 3}};
    CHECK(support::needless_rules({rule(1, 0, {one}), rule(2, EPERM)}) == Lines{});
    CHECK(support::needless_rules({rule(1, 0, {one, two}), rule(2, EPERM, {one}), rule(3, 0)}) ==
          Lines{});
    // Says what the last one says.
    CHECK(support::needless_rules({rule(1, EPERM, {one}), rule(2, EPERM)}) ==
          Lines{"1 call", "1 call 1"});
    // Comes too late.
    CHECK(support::needless_rules({rule(1, 0, {one}), rule(2, EPERM, {one, two}),
                                   rule(3, EACCES)}) == Lines{"2 call", "2 call 1", "2 call 2"});
    CHECK(support::needless_rules({rule(1, 0), rule(2, EPERM)}) == Lines{"2 call"});
    // One of its values does.
    CHECK(support::needless_rules({rule(1, 0, {one}), rule(2, EPERM, {both}), rule(3, EACCES)}) ==
          Lines{"2 call 1"});
    // A refusal for its reader.
    CHECK(support::needless_rules({rule(1, ENOSYS)}) == Lines{});
}
