#include "packages/spec.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>

#include "isolate/sys/error.h"
#include "packages/names.h"

namespace packages {

namespace {

constexpr std::string_view blanks = " \t\r\f\v";
// No name is as long; what fnmatch needs grows with the pattern.
constexpr std::size_t max_glob = 128;

struct Candidate {
    NamedVersion package;
    Version version;
};

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string_view without_comment(std::string_view line) {
    for (auto hash = line.find('#'); hash != std::string_view::npos;
         hash = line.find('#', hash + 1)) {
        // Not within a name, such as "c#".
        if (hash == 0 || blanks.find(line[hash - 1]) != std::string_view::npos) {
            return trimmed(line.substr(0, hash));
        }
    }
    return trimmed(line);
}

SpecRule parse_rule(std::string_view line, const std::string& place) {
    SpecRule rule;
    rule.removes = line.starts_with('!');
    if (rule.removes) line = trimmed(line.substr(1));
    const auto end = std::min(line.find_first_of(blanks), line.size());
    rule.glob = line.substr(0, end);
    const auto range = trimmed(line.substr(end));
    if (rule.glob.empty() || rule.glob.size() > max_glob) {
        throw sys::Error(sys::Kind::invalid, place +
                                                 "a rule begins with a package's name, of at "
                                                 "most 128 characters, in which * and ? may stand");
    }
    if (range.empty() && rule.removes) return rule;
    rule.range = range.empty() ? std::nullopt : parse_range(range);
    if (!rule.range) {
        const auto why = range.empty() ? "needs a range of versions behind it, such as *"
                                       : in_quotes(range) + " is no range of versions";
        throw sys::Error(sys::Kind::invalid, place + in_quotes(rule.glob) + ": " + why);
    }
    return rule;
}

bool matches(const Candidate& candidate, const SpecRule& rule) {
    return rule.range &&
           ::fnmatch(rule.glob.c_str(), candidate.package.name.c_str(), FNM_EXTMATCH) == 0 &&
           rule.range->contains(candidate.version);
}

bool contains(const std::vector<Candidate>& candidates, const NamedVersion& package) {
    return std::ranges::find(candidates, package, &Candidate::package) != candidates.end();
}

std::vector<Candidate> candidates_of(const std::vector<NamedVersion>& installed,
                                     const std::vector<NamedVersion>& available) {
    std::vector<Candidate> candidates;
    for (const auto* list : {&available, &installed}) {
        for (const auto& package : *list) {
            const auto version = parse_version(package.version);
            if (version && !contains(candidates, package))
                candidates.push_back({package, *version});
        }
    }
    return candidates;
}

// Of each name that matches, the newest version, in the order in which the names first appear.
std::vector<const Candidate*> newest(const std::vector<Candidate>& candidates,
                                     const SpecRule& rule) {
    std::vector<const Candidate*> chosen;
    std::map<std::string, std::size_t> places;
    for (const auto& candidate : candidates) {
        if (!matches(candidate, rule)) continue;
        const auto [place, is_new] = places.emplace(candidate.package.name, chosen.size());
        if (is_new) {
            chosen.push_back(&candidate);
        } else if (chosen[place->second]->version < candidate.version) {
            chosen[place->second] = &candidate;
        }
    }
    return chosen;
}

}  // namespace

std::vector<SpecRule> parse_spec(std::string_view text, const std::string& file) {
    std::vector<SpecRule> rules;
    for (int number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        const auto line = without_comment(trimmed(text.substr(0, end)));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (!line.empty()) {
            rules.push_back(parse_rule(line, file + ":" + std::to_string(number) + ": "));
        }
    }
    return rules;
}

SpecPlan plan(const std::vector<NamedVersion>& installed,
              const std::vector<NamedVersion>& available, const std::vector<SpecRule>& rules) {
    const auto candidates = candidates_of(installed, available);
    std::vector<Candidate> wanted;
    for (const auto& rule : rules) {
        if (rule.removes) {
            std::erase_if(wanted, [&](const Candidate& one) { return matches(one, rule); });
            continue;
        }
        for (const auto* candidate : newest(candidates, rule)) {
            if (!contains(wanted, candidate->package)) wanted.push_back(*candidate);
        }
    }
    SpecPlan result;
    for (const auto& one : wanted) {
        if (std::ranges::find(installed, one.package) == installed.end()) {
            result.install.push_back(one.package);
        }
    }
    for (const auto& package : installed) {
        if (!contains(wanted, package)) result.uninstall.push_back(package);
    }
    return result;
}

}  // namespace packages
