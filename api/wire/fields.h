// Fields of a request, decoded one at a time: what several objects of it have in common.
//
// A field is a pointer to its value in the parser's document, null if it is absent. `name` is how
// it is called in the sentences that refuse it: "stdin", "tests[3].stdin". Everything throws
// sys::Error{invalid}.
#pragma once

#include <string>
#include <vector>

#include "config/units.h"

namespace simdjson::dom {
class element;
}

namespace wire {

using Element = simdjson::dom::element;

// Throws. What a client sent may be in the sentence.
[[noreturn]] void refuse(std::string sentence);

// As JavaScript sees it, and with it Piston: absent, null, false, 0 and "" are all "not given".
bool is_given(const Element* field);

// Puts what was asked for in the place of a limit, which is also the most that may be.
void lower(config::Bytes& limit, const Element* asked, const std::string& name);
void lower(config::Milliseconds& limit, const Element* asked, const std::string& name);

// Ends in a newline.
std::string decode_stdin(const Element* field, const std::string& name);

// What JavaScript's String() makes of a value.
std::string text_of(const Element& value);

std::vector<std::string> decode_arguments(const Element* field, const std::string& name);

}  // namespace wire
