// A request body that cannot be read, as an error of its own: Piston answers it with a `stack` key,
// and the HTTP layer must be able to tell it from a request that is merely wrong (see problem.h).
#pragma once

#include <string>
#include <string_view>

#include "isolate/sys/error.h"

namespace wire {

class SyntaxError : public sys::Error {
public:
    explicit SyntaxError(const std::string& sentence) : Error(sys::Kind::invalid, sentence) {}
};

// The error for a charset of which nothing can be read; in Piston it is of the same kind.
SyntaxError unsupported_charset(std::string_view charset);

// The error for a body that a parser refused: "SyntaxError: <reason> at line <n>, column <n>".
// Where the place is not found, or not searched because the body is large, the parser's complaint
// stands.
SyntaxError explain_syntax(std::string_view body, std::string_view complaint);

}  // namespace wire
