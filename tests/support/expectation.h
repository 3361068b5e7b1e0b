// A document that says what a program's output has to be, line by line, and why.
//
//     # a reason, for people
//     [tag other]      the lines below hold where all these tags are given; [] is everywhere
//     KEY VALUE        this line, once
//     ? KEY VALUE      once or not at all: whether it is there, the kernel or the host decides
//     + KEY VALUE      at least once
//     * KEY VALUE      any number of times
//
//     ! KEY VALUE      this line is about security (a mark beside the others): where there is none,
//                      the output must not have it
//
// A '*' within a line stands for any text.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace support {

struct ExpectedLine {
    std::size_t least = 1, most = 1;
    bool is_security = false;
    std::string pattern;

    bool operator==(const ExpectedLine&) const = default;
};

// True if the text is the pattern with something, or nothing, in the place of each '*'.
bool matches(std::string_view pattern, std::string_view text);

// The lines of the document that hold with these tags. Throws std::runtime_error for a tag's line
// that is not closed and for a mark without a line.
std::vector<ExpectedLine> parse_expectation(const std::string& document,
                                            const std::set<std::string>& tags);

// What is wrong with an output, a sentence each: lines that nothing expects, lines that come too
// rarely or too often. A line counts for the first of the document that it matches and that has
// room for it.
std::vector<std::string> differences(const std::vector<ExpectedLine>& expected,
                                     const std::vector<std::string>& output);

}  // namespace support
