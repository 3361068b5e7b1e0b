#include "tests/support/filter_rules.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <set>

#include "isolate/sys/file.h"

namespace support {

namespace {

bool holds(const isolate::Comparison& comparison, const CallArguments& arguments) {
    const auto seen =
        static_cast<std::uint32_t>(arguments.at(comparison.argument)) & comparison.mask;
    return std::ranges::find(comparison.values, seen) != comparison.values.end();
}

void add_corners(const isolate::Comparison& comparison, std::set<std::uint32_t>& values) {
    for (const auto value : comparison.values) {
        values.insert(value);
        // Masks are for flags, each of which counts; whole values have neighbours.
        for (unsigned bit = 0; bit < 32; ++bit) {
            const auto flag = std::uint32_t{1} << bit;
            const bool is_seen = (comparison.mask & flag) != 0;
            if (is_seen && (comparison.mask != 0xffffffff || bit == 0 || bit == 31))
                values.insert(value ^ flag);
        }
        values.insert(value | ~comparison.mask);
    }
}

bool answers_alike(const FilterRules& some, const FilterRules& others, int number,
                   const std::vector<CallArguments>& corners) {
    return std::ranges::all_of(corners, [&](const auto& arguments) {
        return answer_of(some, number, arguments) == answer_of(others, number, arguments);
    });
}

}  // namespace

std::string shipped_policy() {
    return sys::read_file(
        (std::filesystem::path{__FILE__}.parent_path() / "../../config/seccomp.policy").string());
}

std::size_t deciding_rule(const FilterRules& rules, int number, const CallArguments& arguments) {
    const auto found = std::ranges::find_if(rules, [&](const isolate::FilterRule& rule) {
        return rule.number == number && std::ranges::all_of(rule.when, [&](const auto& comparison) {
                   return holds(comparison, arguments);
               });
    });
    return static_cast<std::size_t>(found - rules.begin());
}

int answer_of(const FilterRules& rules, int number, const CallArguments& arguments) {
    const auto at = deciding_rule(rules, number, arguments);
    return at == rules.size() ? ENOSYS : rules[at].error_number;
}

std::vector<CallArguments> corners_of(const FilterRules& rules, int number) {
    std::array<std::set<std::uint32_t>, 6> values;
    for (const auto& rule : rules) {
        if (rule.number != number) continue;
        for (const auto& comparison : rule.when)
            add_corners(comparison, values.at(comparison.argument));
    }
    std::vector<CallArguments> corners{{}};
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i].empty()) continue;
        std::vector<CallArguments> longer;
        for (const auto& corner : corners) {
            for (const auto value : values[i]) {
                longer.push_back(corner);
                longer.back()[i] = value;
            }
        }
        corners = std::move(longer);
    }
    return corners;
}

std::vector<RuleProbe> probes_of(const FilterRules& rules) {
    std::vector<RuleProbe> probes;
    std::set<int> numbers;
    for (const auto& rule : rules) {
        if (rule.number < 0 || !numbers.insert(rule.number).second) continue;
        for (const auto& arguments : corners_of(rules, rule.number))
            probes.push_back({deciding_rule(rules, rule.number, arguments), arguments});
    }
    return probes;
}

std::vector<std::string> needless_rules(const FilterRules& rules) {
    std::vector<std::string> needless;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const auto& rule = rules[i];
        if (rule.number < 0 || (rule.when.empty() && rule.error_number == ENOSYS)) continue;
        const auto corners = corners_of(rules, rule.number);
        const auto name = std::to_string(rule.line) + " " + rule.name;
        auto fewer = rules;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
        if (answers_alike(rules, fewer, rule.number, corners)) needless.push_back(name);
        for (std::size_t c = 0; c < rule.when.size(); ++c) {
            for (const auto value : rule.when[c].values) {
                auto without = rules;
                std::erase(without[i].when[c].values, value);
                if (answers_alike(rules, without, rule.number, corners))
                    needless.push_back(name + " " + std::to_string(value));
            }
        }
    }
    return needless;
}

}  // namespace support
