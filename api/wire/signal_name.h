// Signals by their names on Linux, as Piston's API writes them.
#pragma once

#include <optional>
#include <string_view>

namespace wire {

// "SIGKILL" for 9. Empty for numbers without a name: 0, 32, 33 and whatever is no signal.
std::optional<std::string_view> signal_name(int number);

// 9 for "SIGKILL"; exact case, names only.
std::optional<int> signal_number(std::string_view name);

}  // namespace wire
