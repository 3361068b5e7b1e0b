// The API as an OpenAPI 3.1 document, made from the tables the program works by: the routes
// (routes.cpp) and the fields of a request (wire/request_fields.h).
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace resources {

// What a route "gives" that opens a WebSocket.
inline constexpr std::string_view web_socket = "WebSocket";

// One line of the route table, as it is described.
struct Operation {
    std::string_view method, path;
    std::string_view summary;          // one sentence
    std::string_view takes;            // the schema of the body; empty: no body
    std::string_view gives;            // the schema of a good answer; empty: a page
    std::array<int, 8> fails{};        // statuses of bad answers, then zeros
    std::string_view error = "Error";  // the schema of those
};

// The document, as JSON. Throws Error{broken} if an operation names a schema that there is not.
std::string openapi_document(std::span<const Operation> operations);

}  // namespace resources
