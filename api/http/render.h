// An answer as it goes out: the head as text, the body beside it so that large ones are not copied.
//
// Adds what every answer has (Date, Content-Length, the fate of the connection) and what Express
// adds to a GET: a weak ETag, and 304 without a body if the client has that version already. HEAD
// gets the head of the GET. Pure but for the clock in Date.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "api/http/message.h"

namespace http {

enum class Afterwards { keep_alive, close };

struct Rendered {
    std::string head;
    std::string body;
};

// `idle` is how long a kept connection may wait for its next request; the client is told.
Rendered render(const Request& request, Response response, Afterwards afterwards,
                std::chrono::milliseconds idle);

// The head of an answer whose body follows in pieces (stream.h): chunked where the client knows
// that, else ended by the end of the connection, which `afterwards` then must say.
std::string render_head(const Request& request, const Response& response, Afterwards afterwards,
                        std::chrono::milliseconds idle);

// What is sent before a client sends its body, if it waits for leave to do so.
inline constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace http
