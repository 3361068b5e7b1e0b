// A problem: an error as a client sees it. The one table from kinds of errors to answers.
//
// What the client asked wrongly is told in full. What broke on our side is not: the client gets the
// id under which the log has the rest, because such sentences name paths and descriptors of the
// host.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace wire {

struct Problem {
    int status;        // of HTTP
    std::string body;  // JSON: {"message": …}, for malformed JSON with a "stack" before it

    bool operator==(const Problem&) const = default;
};

// {"message":"<text>"}
std::string encode_message(std::string_view text);

// The answer to any exception; one that is no sys::Error counts as broken. The id is that of the
// request in the log.
Problem problem_of(const std::exception& error, std::string_view id);

}  // namespace wire
