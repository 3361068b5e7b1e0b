#include "tests/support/expectation.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <sstream>
#include <stdexcept>

namespace support {

namespace {

constexpr std::size_t without_end = std::numeric_limits<std::size_t>::max();

std::set<std::string> tags_of(const std::string& line) {
    if (line.back() != ']') throw std::runtime_error("no ']' at the end of " + line);
    std::istringstream words{line.substr(1, line.size() - 2)};
    return {std::istream_iterator<std::string>{words}, {}};
}

// Marks are words of their own, one sign each: a pattern may begin with such a sign as well.
ExpectedLine parse_line(const std::string& line) {
    ExpectedLine result{.pattern = line};
    while (result.pattern.find_first_of("?+*!") == 0 && result.pattern.find(' ') == 1) {
        const char mark = result.pattern[0];
        if (mark == '!') result.is_security = true;
        if (mark == '?' || mark == '*') result.least = 0;
        if (mark == '+' || mark == '*') result.most = without_end;
        result.pattern.erase(0, 2);
    }
    if (result.pattern.empty()) throw std::runtime_error("nothing behind the marks of " + line);
    return result;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) return pattern == text;
    if (!text.starts_with(pattern.substr(0, star))) return false;
    // Everything between two stars is taken where it comes first: what follows can only gain.
    text.remove_prefix(star);
    pattern.remove_prefix(star + 1);
    for (auto next = pattern.find('*'); next != std::string_view::npos; next = pattern.find('*')) {
        const auto at = text.find(pattern.substr(0, next));
        if (at == std::string_view::npos) return false;
        text.remove_prefix(at + next);
        pattern.remove_prefix(next + 1);
    }
    return text.ends_with(pattern);
}

std::vector<ExpectedLine> parse_expectation(const std::string& document,
                                            const std::set<std::string>& tags) {
    std::vector<ExpectedLine> result;
    bool holds = true;
    std::istringstream lines{document};
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == '#') continue;
        if (line[0] == '[') {
            const auto wanted = tags_of(line);
            holds = std::ranges::includes(tags, wanted);
        } else if (holds) {
            result.push_back(parse_line(line));
        }
    }
    return result;
}

std::vector<std::string> differences(const std::vector<ExpectedLine>& expected,
                                     const std::vector<std::string>& output) {
    std::vector<std::string> result;
    std::vector<std::size_t> seen(expected.size(), 0);
    for (const auto& line : output) {
        std::size_t at = 0;
        while (at < expected.size() &&
               (seen[at] == expected[at].most || !matches(expected[at].pattern, line)))
            ++at;
        if (at == expected.size()) {
            result.push_back("not expected: " + line);
        } else {
            ++seen[at];
        }
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (seen[i] < expected[i].least) result.push_back("missing: " + expected[i].pattern);
    }
    return result;
}

}  // namespace support
