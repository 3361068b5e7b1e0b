// What the Content-Type of a request says about its body: whether it is JSON at all, and in which
// charset. Pure.
#pragma once

#include <string_view>

namespace wire {

// True for "application/json" in any case, with or without parameters; as in Piston, not for what
// only begins like it.
bool is_json(std::string_view content_type);

// Throws SyntaxError (syntax_error.h) if the type names a charset other than UTF-8, which is what
// JSON is in (RFC 8259, section 8.1).
void check_charset(std::string_view content_type);

}  // namespace wire
