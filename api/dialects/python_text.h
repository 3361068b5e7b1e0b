// Text as Python's standard library decodes it, with the words of its complaints, which a service
// written in Python hands on to its clients. Pure.
#pragma once

#include <string>
#include <string_view>

namespace dialects {

// base64.b64decode(): the standard alphabet, whatever else there is being skipped; what follows
// complete padding is not read. Throws sys::Error{invalid} for characters beyond ASCII and for
// padding that is missing.
std::string b64decode(std::string_view text);

// bytes.decode("utf-8"): throws sys::Error{invalid} naming the first bytes that are no UTF-8.
void check_utf8(std::string_view bytes);

}  // namespace dialects
