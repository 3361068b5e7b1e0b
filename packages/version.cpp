#include "packages/version.h"

#include <algorithm>
#include <charconv>

namespace packages {

namespace {

using Operation = Comparator::Operation;

constexpr std::string_view blanks = " \t\n\v\f\r";
constexpr std::string_view digits = "0123456789";
constexpr std::string_view identifier_characters =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";

// npm's numbers are doubles; one more than the largest of ours is still exact in them.
constexpr std::uint64_t max_number = (std::uint64_t{1} << 53) - 2;

constexpr std::size_t max_version_length = 256;  // npm's, too

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool is_number(std::string_view identifier) {
    return identifier.find_first_not_of(digits) == identifier.npos;
}

// Takes the longest run of the given characters off the front.
std::string_view take_run(std::string_view& text, std::string_view characters) {
    const auto run = text.substr(0, std::min(text.find_first_not_of(characters), text.size()));
    text.remove_prefix(run.size());
    return run;
}

bool take(std::string_view& text, char character) {
    if (!text.starts_with(character)) return false;
    text.remove_prefix(1);
    return true;
}

// A version in which trailing numbers may be missing or wild: "3", "3.x", "3.12.*".
struct Partial {
    std::optional<std::uint64_t> major, minor, patch;  // each only if the one before it is there
    std::vector<std::string> prerelease;               // only if patch is there

    bool complete() const { return patch.has_value(); }

    // The first version meant; what is missing counts as 0.
    Version first() const {
        return {major.value_or(0), minor.value_or(0), patch.value_or(0), prerelease};
    }
    Version next_major() const { return {*major + 1, 0, 0, {}}; }
    Version next_minor() const { return {*major, *minor + 1, 0, {}}; }
    Version next_patch() const { return {*major, *minor, *patch + 1, {}}; }

    // The first version after all that a partial one means.
    Version end() const { return minor ? next_minor() : next_major(); }
};

// One number or wildcard. False if the text does not begin with one.
bool take_part(std::string_view& text, std::optional<std::uint64_t>& number) {
    if (take(text, 'x') || take(text, 'X') || take(text, '*')) return true;
    const auto run = take_run(text, digits);
    if (run.empty() || (run.size() > 1 && run.front() == '0')) return false;
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(run.data(), run.data() + run.size(), value);
    if (error != std::errc{} || value > max_number) return false;
    number = value;
    return true;
}

// Identifiers between dots; those of a pre-release may not be numbers with leading zeros.
bool take_identifiers(std::string_view& text, std::vector<std::string>* prerelease) {
    do {
        const auto identifier = take_run(text, identifier_characters);
        if (identifier.empty()) return false;
        if (!prerelease) continue;
        if (is_number(identifier) && identifier.size() > 1 && identifier.front() == '0')
            return false;
        prerelease->emplace_back(identifier);
    } while (take(text, '.'));
    return true;
}

// The pre-release and the build of a version whose three parts have been read.
bool take_suffix(std::string_view& text, Partial& partial) {
    if (take(text, '-') && !take_identifiers(text, &partial.prerelease)) return false;
    return !take(text, '+') || take_identifiers(text, nullptr);
}

std::optional<Partial> parse_partial(std::string_view text) {
    if (text.size() > max_version_length) return {};
    Partial partial;
    if (!take_part(text, partial.major)) return {};
    if (take(text, '.')) {
        if (!take_part(text, partial.minor)) return {};
        if (take(text, '.') && (!take_part(text, partial.patch) || !take_suffix(text, partial)))
            return {};
    }
    if (!text.empty()) return {};
    if (!partial.major) partial.minor.reset();
    if (!partial.minor) partial.patch.reset();
    if (!partial.patch) partial.prerelease.clear();
    return partial;
}

using Comparators = std::vector<Comparator>;

void add_at_least(Comparators& to, Version version) {
    to.push_back({Operation::at_least, std::move(version)});
}

// Below the version and below its pre-releases: "-0" is the first of those.
void add_before(Comparators& to, Version version) {
    version.prerelease = {"0"};
    to.push_back({Operation::less, std::move(version)});
}

// ~1.2.3 and plain partial versions: what is written stays, the rest may vary.
void add_tilde(Comparators& to, const Partial& partial) {
    if (!partial.major) return;
    add_at_least(to, partial.first());
    add_before(to, partial.end());
}

// ^1.2.3: everything up to the next change of the leftmost number that is not 0.
void add_caret(Comparators& to, const Partial& partial) {
    if (!partial.major) return;
    add_at_least(to, partial.first());
    if (*partial.major > 0 || !partial.minor) return add_before(to, partial.next_major());
    if (*partial.minor > 0 || !partial.patch) return add_before(to, partial.next_minor());
    add_before(to, partial.next_patch());
}

void add_partial_bound(Comparators& to, Operation operation, const Partial& partial) {
    if (!partial.major) {
        const bool nothing = operation == Operation::less || operation == Operation::greater;
        if (nothing) add_before(to, Version{});
        return;
    }
    switch (operation) {
        case Operation::less:
            return add_before(to, partial.first());
        case Operation::at_most:
            return add_before(to, partial.end());
        case Operation::equal:
            return add_tilde(to, partial);
        case Operation::at_least:
            return add_at_least(to, partial.first());
        case Operation::greater:
            return add_at_least(to, partial.end());
    }
}

bool add_bound(Comparators& to, Operation operation, std::string_view text) {
    const auto prefix = take_run(text, "v=");
    const auto partial = parse_partial(text);
    if (!partial) return false;
    if (!partial->complete()) {
        add_partial_bound(to, operation, *partial);
        return true;
    }
    // Before a whole version npm allows one "v"; only shortened ones may carry more.
    if (!prefix.empty() && prefix != "v") return false;
    to.push_back({operation, partial->first()});
    return true;
}

Operation take_operation(std::string_view& text) {
    if (take(text, '<')) return take(text, '=') ? Operation::at_most : Operation::less;
    if (take(text, '>')) return take(text, '=') ? Operation::at_least : Operation::greater;
    take(text, '=');
    return Operation::equal;
}

// One word of a range: operator and version without blanks between them.
bool add_word(Comparators& to, std::string_view word) {
    const bool caret = take(word, '^');
    const bool tilde = !caret && take(word, '~');
    if (!caret && !tilde) {
        const auto operation = take_operation(word);
        return add_bound(to, operation, word);
    }
    if (tilde) take(word, '>');
    take_run(word, "v=");
    const auto partial = parse_partial(word);
    if (!partial) return false;
    caret ? add_caret(to, *partial) : add_tilde(to, *partial);
    return true;
}

bool is_operator(std::string_view word) {
    constexpr std::string_view operators[] = {"<", "<=", ">", ">=", "=", "^", "~", "~>"};
    return std::find(std::begin(operators), std::end(operators), word) != std::end(operators);
}

// The words between blanks, with a lone operator joined to the version after it.
std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    bool join = false;
    while (!(text = trimmed(text)).empty()) {
        const auto word = text.substr(0, std::min(text.find_first_of(blanks), text.size()));
        text.remove_prefix(word.size());
        if (join) {
            words.back() += word;
        } else {
            words.emplace_back(word);
        }
        join = !join && is_operator(word);
    }
    return words;
}

std::optional<Comparators> parse_alternative(std::string_view text) {
    const auto words = split_words(text);
    Comparators comparators;
    if (words.size() == 3 && words[1] == "-") {
        if (!add_bound(comparators, Operation::at_least, words[0])) return {};
        if (!add_bound(comparators, Operation::at_most, words[2])) return {};
        return comparators;
    }
    for (const auto& word : words) {
        if (!add_word(comparators, word)) return {};
    }
    return comparators;
}

// Numbers by value and below words. They have no leading zeros, so the longer is the greater.
std::strong_ordering compare_identifiers(const std::string& left, const std::string& right) {
    const bool left_is_number = is_number(left);
    const bool right_is_number = is_number(right);
    if (left_is_number != right_is_number) return right_is_number <=> left_is_number;
    if (left_is_number && left.size() != right.size()) return left.size() <=> right.size();
    return left <=> right;
}

}  // namespace

std::strong_ordering operator<=>(const Version& left, const Version& right) {
    if (const auto order = left.major <=> right.major; order != 0) return order;
    if (const auto order = left.minor <=> right.minor; order != 0) return order;
    if (const auto order = left.patch <=> right.patch; order != 0) return order;
    // A release comes after all of its pre-releases.
    const bool left_is_release = left.prerelease.empty();
    const bool right_is_release = right.prerelease.empty();
    if (left_is_release || right_is_release) return left_is_release <=> right_is_release;
    return std::lexicographical_compare_three_way(left.prerelease.begin(), left.prerelease.end(),
                                                  right.prerelease.begin(), right.prerelease.end(),
                                                  compare_identifiers);
}

std::optional<Version> parse_version(std::string_view text) {
    text = trimmed(text);
    take(text, 'v');
    const auto partial = parse_partial(text);
    if (!partial || !partial->complete()) return {};
    return partial->first();
}

bool Comparator::admits(const Version& candidate) const {
    switch (operation) {
        case Operation::less:
            return candidate < version;
        case Operation::at_most:
            return candidate <= version;
        case Operation::equal:
            return candidate == version;
        case Operation::at_least:
            return candidate >= version;
        case Operation::greater:
            return candidate > version;
    }
    __builtin_unreachable();
}

bool Range::contains(const Version& candidate) const {
    const auto admits = [&](const Comparator& comparator) { return comparator.admits(candidate); };
    const auto names_its_prereleases = [&](const Comparator& comparator) {
        const auto& bound = comparator.version;
        return !bound.prerelease.empty() && bound.major == candidate.major &&
               bound.minor == candidate.minor && bound.patch == candidate.patch;
    };
    return std::any_of(alternatives.begin(), alternatives.end(), [&](const Comparators& all) {
        return std::all_of(all.begin(), all.end(), admits) &&
               (candidate.prerelease.empty() ||
                std::any_of(all.begin(), all.end(), names_its_prereleases));
    });
}

std::optional<Range> parse_range(std::string_view text) {
    if (text.size() > max_range_length) return {};
    Range range;
    for (bool last = false; !last;) {
        const auto bar = text.find("||");
        last = bar == text.npos;
        auto alternative = parse_alternative(text.substr(0, bar));
        if (!alternative) return {};
        range.alternatives.push_back(std::move(*alternative));
        if (!last) text.remove_prefix(bar + 2);
    }
    return range;
}

}  // namespace packages
