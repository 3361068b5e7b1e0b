// Whether a program's output is what was expected: pure functions.
//
// Both sides are bytes of strangers, up to megabytes; every mode is linear in them but for sorting
// (lines), and an expression is bounded in what it may cost (RE2, program size times text).
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace engine {

enum class CompareMode {
    exact,    // byte for byte
    trimmed,  // white space at the end of lines and empty lines at the end do not count
    tokens,   // what stands between white space, in order
    floats,   // as tokens, but numbers may differ within the tolerance
    lines,    // as trimmed, in any order
    regex,    // all of the output, without white space at its end, matches an RE2 expression
    checker,  // a program says
};

// The word for it in requests.
std::string_view name(CompareMode mode);
std::optional<CompareMode> compare_mode(std::string_view name);

struct Comparison {
    CompareMode mode = CompareMode::trimmed;
    // Of floats: it is enough to be within one of them, the second times what was expected.
    double absolute = 1e-9;
    double relative = 1e-9;

    bool operator==(const Comparison&) const = default;
};

// Where two texts part.
struct Difference {
    std::size_t line = 0;                 // of the output, from 1
    std::optional<std::string> expected;  // empty: nothing more was
    std::optional<std::string> actual;    // empty: the output has ended

    bool operator==(const Difference&) const = default;
};

// No side of a difference is longer than this many bytes.
inline constexpr std::size_t max_difference_bytes = 256;

// Nothing if they agree. For every mode but regex and checker.
std::optional<Difference> difference(std::string_view actual, std::string_view expected,
                                     const Comparison& comparison);

// Bounds of an expression: its text, and its program, which a repetition multiplies.
inline constexpr std::size_t max_pattern_bytes = 4096;
inline constexpr int max_pattern_program = 1000;

// An expression, ready to match. Holds the library's object.
class Pattern {
public:
    // Throws sys::Error{invalid} with RE2's words, without saying where it stood.
    explicit Pattern(std::string_view text);
    ~Pattern();
    Pattern(const Pattern&) = delete;
    Pattern& operator=(const Pattern&) = delete;

    enum class Match { yes, no, too_long };
    // `too_long`: the text is more than an expression of this size may be tried on.
    Match match(std::string_view output) const;

private:
    struct Compiled;
    std::unique_ptr<Compiled> compiled_;
};

}  // namespace engine
