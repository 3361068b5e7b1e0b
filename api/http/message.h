// A request and an answer as values, free of sockets and of any library.
//
// The connection makes Requests, handlers make Responses. A Request has passed the strict reading
// of head.h and has its body whole, without transfer or content coding. A Response says what the
// handler knows; lengths, tags and the fate of the connection are added when it is written
// (render.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace http {

// One line of a header. Names are compared without regard to case.
struct Field {
    std::string name;
    std::string value;

    bool operator==(const Field&) const = default;
};

// How the name of a client begins that came over a Unix socket; its uid follows.
inline constexpr std::string_view socket_client = "uid:";

struct Request {
    std::string method;
    std::string target;  // the path as sent: nothing decoded, without the query
    std::string query;   // what follows the first '?'
    int minor_version = 1;
    std::vector<Field> fields;
    std::string body;        // usually with 64 bytes of capacity to spare, as fast parsers want
    std::string client;      // numeric address, without port; or "uid:1000"
    bool keep_alive = true;  // the client is willing to use the connection again

    bool operator==(const Request&) const = default;

    // The value of the first field of that name; empty if there is none.
    std::string_view find_field(std::string_view name) const;
};

inline constexpr std::string_view json = "application/json; charset=utf-8";

struct Response {
    int status = 200;
    std::string content_type{json};
    std::vector<Field> fields{};
    std::string body{};

    bool operator==(const Response&) const = default;
};

// {"message":"<message>"} under that status.
Response problem(int status, std::string_view message);

// What Piston answers to a body that cannot be read: 400, and its error's name in `stack`.
Response body_problem(std::string_view message, std::string_view stack);

// "Not Found" for 404 and so on; "Unknown" for a status that nobody here uses.
std::string_view reason(int status);

// Compares ASCII letters without regard to case.
bool same_word(std::string_view left, std::string_view right);
bool starts_with_word(std::string_view text, std::string_view start);

}  // namespace http
