// Making responses: the same three shapes everywhere.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "api/http/message.h"
#include "api/wire/problem.h"

namespace resources {

// How an error becomes what a client sees: wire::problem_of, or that of another dialect.
using ProblemOf = wire::Problem (*)(const std::exception& error, std::string_view id);

http::Response json(int status, std::string body);

// {"message": …}
http::Response message(int status, std::string_view text);

// The answer to an error; what is our fault goes to the log under the id, and the client gets the
// id.
http::Response problem(const std::exception& error, std::string_view id);
http::Response problem(const std::exception& error, std::string_view id, ProblemOf problem_of);

// For the log: 16 hexadecimal digits.
std::string new_id();

// The client's X-Request-Id if it is short and plain, else one of our own.
std::string request_id(const http::Request& request);

}  // namespace resources
