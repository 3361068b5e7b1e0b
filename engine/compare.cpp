#include "engine/compare.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

namespace engine {

namespace {

constexpr std::string_view white_space = " \t\n\v\f\r";

constexpr std::pair<CompareMode, std::string_view> mode_names[] = {
    {CompareMode::exact, "exact"},     {CompareMode::trimmed, "trimmed"},
    {CompareMode::tokens, "tokens"},   {CompareMode::floats, "floats"},
    {CompareMode::lines, "lines"},     {CompareMode::regex, "regex"},
    {CompareMode::checker, "checker"},
};

std::string_view without_end(std::string_view text) {
    return text.substr(0, text.find_last_not_of(white_space) + 1);
}

std::optional<std::string> shown(std::optional<std::string_view> text) {
    if (!text) return std::nullopt;
    return std::string{text->substr(0, max_difference_bytes)};
}

Difference differs(std::size_t line, std::optional<std::string_view> expected,
                   std::optional<std::string_view> actual) {
    return {.line = line, .expected = shown(expected), .actual = shown(actual)};
}

enum class LineEnds { kept, trimmed };

// The lines of a text, one after the other.
class Lines {
public:
    Lines(std::string_view text, LineEnds ends)
        : rest_(ends == LineEnds::trimmed ? without_end(text) : text), ends_(ends) {}

    std::optional<std::string_view> next() {
        if (rest_.empty()) return std::nullopt;
        const auto end = std::min(rest_.find('\n'), rest_.size() - 1) + 1;
        const auto line = rest_.substr(0, end);
        rest_.remove_prefix(end);
        return ends_ == LineEnds::trimmed ? without_end(line) : line;
    }

private:
    std::string_view rest_;
    const LineEnds ends_;
};

std::optional<Difference> compare_lines(std::string_view actual, std::string_view expected,
                                        LineEnds ends) {
    Lines ours{actual, ends};
    Lines theirs{expected, ends};
    for (std::size_t line = 1;; ++line) {
        const auto is = ours.next();
        const auto should = theirs.next();
        if (is != should) return differs(line, should, is);
        if (!is) return std::nullopt;
    }
}

// What stands between white space, and in which line.
class Tokens {
public:
    explicit Tokens(std::string_view text) : rest_(text) {}

    std::optional<std::string_view> next() {
        while (!rest_.empty() && white_space.find(rest_.front()) != white_space.npos) {
            if (rest_.front() == '\n') ++line_;
            rest_.remove_prefix(1);
        }
        if (rest_.empty()) return std::nullopt;
        const auto end = std::min(rest_.find_first_of(white_space), rest_.size());
        const auto token = rest_.substr(0, end);
        rest_.remove_prefix(end);
        return token;
    }

    std::size_t line() const { return line_; }

private:
    std::string_view rest_;
    std::size_t line_ = 1;
};

// Decimal, with or without an exponent; not the words for infinity and no number.
std::optional<double> number(std::string_view token) {
    const bool negative = token.starts_with('-');
    const auto digits = token.substr(negative || token.starts_with('+') ? 1 : 0);
    if (digits.empty() || std::string_view{".0123456789"}.find(digits.front()) == digits.npos)
        return std::nullopt;
    double value = 0;
    const auto* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(digits.data(), last, value);
    if (error != std::errc{} || end != last) return std::nullopt;
    return negative ? -value : value;
}

bool is_near(std::string_view actual, std::string_view expected, const Comparison& comparison) {
    const auto is = number(actual);
    const auto should = number(expected);
    if (!is || !should) return false;
    const auto distance = std::abs(*is - *should);
    return distance <= comparison.absolute || distance <= comparison.relative * std::abs(*should);
}

std::optional<Difference> compare_tokens(std::string_view actual, std::string_view expected,
                                         const Comparison& comparison) {
    Tokens ours{actual};
    Tokens theirs{expected};
    for (;;) {
        const auto is = ours.next();
        const auto should = theirs.next();
        if (!is && !should) return std::nullopt;
        const bool near = is && should && comparison.mode == CompareMode::floats &&
                          is_near(*is, *should, comparison);
        if (is != should && !near) return differs(ours.line(), should, is);
    }
}

struct Numbered {
    std::string_view text;
    std::size_t line;
};

std::vector<Numbered> sorted_lines(std::string_view text) {
    std::vector<Numbered> all;
    Lines lines{text, LineEnds::trimmed};
    while (const auto line = lines.next()) all.push_back({*line, all.size() + 1});
    std::ranges::stable_sort(all, {}, &Numbered::text);
    return all;
}

// The earliest line of the first that has no partner in the second; null: all have.
const Numbered* first_alone(const std::vector<Numbered>& of, const std::vector<Numbered>& in) {
    const Numbered* first = nullptr;
    auto partner = in.begin();
    for (const auto& line : of) {
        while (partner != in.end() && partner->text < line.text) ++partner;
        if (partner != in.end() && partner->text == line.text) {
            ++partner;
        } else if (!first || line.line < first->line) {
            first = &line;
        }
    }
    return first;
}

std::optional<Difference> compare_unordered(std::string_view actual, std::string_view expected) {
    const auto ours = sorted_lines(actual);
    const auto theirs = sorted_lines(expected);
    const auto* const extra = first_alone(ours, theirs);
    const auto* const missing = first_alone(theirs, ours);
    if (!extra && !missing) return std::nullopt;
    const auto text = [](const Numbered* line) {
        return line ? std::optional{line->text} : std::nullopt;
    };
    return differs(extra ? extra->line : ours.size() + 1, text(missing), text(extra));
}

}  // namespace

std::string_view name(CompareMode mode) {
    for (const auto& [own, word] : mode_names) {
        if (own == mode) return word;
    }
    __builtin_unreachable();
}

std::optional<CompareMode> compare_mode(std::string_view name) {
    for (const auto& [mode, own] : mode_names) {
        if (own == name) return mode;
    }
    return std::nullopt;
}

std::optional<Difference> difference(std::string_view actual, std::string_view expected,
                                     const Comparison& comparison) {
    switch (comparison.mode) {
        case CompareMode::exact:
            return compare_lines(actual, expected, LineEnds::kept);
        case CompareMode::trimmed:
            return compare_lines(actual, expected, LineEnds::trimmed);
        case CompareMode::tokens:
        case CompareMode::floats:
            return compare_tokens(actual, expected, comparison);
        case CompareMode::lines:
            return compare_unordered(actual, expected);
        case CompareMode::regex:
        case CompareMode::checker:
            break;
    }
    return std::nullopt;
}

}  // namespace engine
