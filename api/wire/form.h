// Forms as the public Piston takes them: what old clients post instead of JSON.
#pragma once

#include <string>
#include <string_view>

namespace wire {

// True for "application/x-www-form-urlencoded", with or without parameters.
bool is_form(std::string_view content_type);

// The fields of a form (URL standard, url.spec.whatwg.org, section 5.1) as a JSON object of texts.
// A name that comes several times, or ends in "[]" or a number in brackets, is a list; other
// brackets are part of the name. Throws sys::Error{invalid} for more than 1000 fields.
std::string json_of_form(std::string_view body);

}  // namespace wire
