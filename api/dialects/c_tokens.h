// The tokens of C and C++ as far as names are concerned: what is a name, and what is only a
// comment, a string or a number that contains one. Pure, linear, and content with any bytes.
//
// Reads preprocessed text (gcc -E), whose line markers say which file and line a token is from, and
// source text after joined_lines().
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace dialects {

struct CToken {
    enum class Kind { name, number, text, mark };
    Kind kind = Kind::mark;
    std::string_view spelling;  // of a text without its quotes and its prefix; of a mark one byte
    int line = 0;               // in its file, from 1
    bool is_system = false;     // from a file beneath /usr, or from none
    bool begins_line = false;
};

// The tokens lie in the text. A string or comment that is not closed ends with the text.
std::vector<CToken> c_tokens(std::string_view text);

// The text with every backslash at the end of a line, and the line's end with it, left out.
std::string joined_lines(std::string_view text);

// Whether the source text, which is not preprocessed yet, says itself which file and line it is.
bool renames_lines(std::string_view source);

}  // namespace dialects
