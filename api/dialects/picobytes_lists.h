// Which functions a submission may use: decided from what the compiler made of it. Pure.
//
// Two things are looked at, for each sees what the other cannot: the undefined symbols of the
// object file, which a macro, a pointer or a label cannot hide, and the names in the preprocessed
// text, in which comments and strings do not count. The object must be made for this
// (picobytes_source.h): unoptimized, without built-in functions, with every function that is
// defined.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dialects {

struct FunctionLists {
    std::optional<std::vector<std::string>> allowed;  // these and no others
    std::optional<std::vector<std::string>> denied;

    bool any() const { return allowed || denied; }
    bool operator==(const FunctionLists&) const = default;
};

// What the compiler made of the code alone.
struct Evidence {
    std::string_view source;        // as it was submitted
    std::string_view preprocessed;  // gcc -E, with line markers
    std::string_view symbols;       // nm -P -u: a line each, the name first
    std::string_view own_assert;    // the symbol that `assert` stands for
};

struct ListBreach {
    enum class Which { denied, not_allowed };
    Which which = Which::denied;
    std::string name;
    int line = 0;  // of the code; 0: not known

    bool operator==(const ListBreach&) const = default;
};

// Each name once: denied ones in the order of the code, then those that are not allowed, sorted.
std::vector<ListBreach> breaches(const FunctionLists& lists, const Evidence& evidence);

// "Not allowed to use <name>" or "Use of function that is not in the allowed list: <name>".
std::string sentence_of(const ListBreach& breach);

}  // namespace dialects
