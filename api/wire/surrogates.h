// Half characters in JSON: what JavaScript and Python write for a text that was cut in the middle
// of an emoji.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace wire {

// The document with every \u escape of half a surrogate pair replaced by \ufffd, which is what
// Piston's programs get to see of one; empty if it has none. Everything else stays as it is, JSON
// or not.
std::optional<std::string> without_half_characters(std::string_view json);

}  // namespace wire
