// Our own three standard descriptors as a run uses them: input read whole, output written at once
// and unbuffered, so that it comes in the order in which the engine told it.
#pragma once

#include <string>
#include <string_view>

namespace cli {

// To its end; throws Failure{usage} beyond 64 MiB, more than any engine takes.
std::string read_standard_input();

// All of it, however often the kernel wants to be asked. Throws sys::Error{broken}.
void write_standard_output(std::string_view bytes);
void write_standard_error(std::string_view bytes);

}  // namespace cli
