// Which scripts of web pages may use the API: the fields that browsers look for (the Fetch
// standard, fetch.spec.whatwg.org). Pure. Without them browsers keep answers from foreign pages,
// and send no JSON for them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"

namespace resources {

// The fields of every answer. `origins` are those of the settings; `origin` is the request's,
// empty if it has none.
std::vector<http::Field> cors_fields(const std::vector<std::string>& origins,
                                     std::string_view origin);

// The answer to a browser that asks before it sends; `allow` is what the path offers. Empty: this
// is no such question, or the origin may not.
std::optional<http::Response> preflight(const std::vector<std::string>& origins,
                                        const http::Request& request, std::string_view allow);

}  // namespace resources
