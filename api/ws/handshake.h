// From an HTTP request to a WebSocket: RFC 6455, section 4.2, as a pure function.
#pragma once

#include <string>
#include <variant>

#include "api/http/message.h"

namespace ws {

// Whether the client asks for a WebSocket at all.
bool is_asked_for(const http::Request& request);

// The head of the 101 that opens it, or the answer that says why not: 400 for what is no handshake,
// 426 for another version. Which pages may ask is decided before: a browser lets any page open a
// WebSocket to any server.
std::variant<std::string, http::Response> shake_hands(const http::Request& request);

}  // namespace ws
