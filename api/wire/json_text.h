// Bytes of a program as text in a JSON document.
//
// A program may write anything; JSON holds Unicode. Bytes are decoded as UTF-8 the way browsers and
// Node do it (encoding.spec.whatwg.org: each maximal part of a broken character becomes one U+FFFD)
// and escaped as JSON.stringify does, in one pass: outputs of megabytes are the bulk of every
// answer.
#pragma once

#include <string>
#include <string_view>

namespace wire {

// Appends the bytes as a JSON string, quotes included.
void append_json_text(std::string& to, std::string_view bytes);

// The bytes without a UTF-8 character at their end that has begun well and is not complete: what is
// left when something was cut off after so many bytes, or has not arrived yet.
std::string_view complete_characters(std::string_view bytes);

// The same text as UTF-8, every broken part of it replaced by U+FFFD.
std::string valid_text(std::string_view bytes);

// As much from the beginning as JavaScript's slice(0, most) would leave: characters beyond U+FFFF
// count twice and are not cut in half.
std::string_view first_units(std::string_view bytes, std::size_t most);

}  // namespace wire
