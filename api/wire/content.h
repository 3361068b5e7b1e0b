// The encodings of file contents, decoded as leniently as Node's Buffer does, because clients
// depend on it: nothing is refused, what cannot be decoded is left out.
#pragma once

#include <string>
#include <string_view>

namespace wire {

// Both alphabets, with or without padding. Other characters are skipped; the first '=' ends it.
std::string decode_base64(std::string_view text);

// Pairs of digits up to the first that is none; an odd digit at the end is dropped.
std::string decode_hex(std::string_view text);

}  // namespace wire
