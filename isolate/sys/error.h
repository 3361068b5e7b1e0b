// Breakage as an exception: one type, four kinds, one sentence.
//
// An Error is thrown where the world or a request is broken and nothing in between can help; it is
// caught at thread tops, at the API boundary and in main. What a user's program does is never an
// Error: outcomes are values (engine::Verdict).
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>

namespace sys {

enum class Kind {
    invalid,    // the caller asked for something impossible; the sentence is for them
    not_found,  // what was asked for does not exist
    busy,       // no room now; trying later may work
    broken,     // the engine or the machine is at fault; the sentence is for the log
};

class Error : public std::runtime_error {
public:
    Error(Kind kind, const std::string& sentence) : std::runtime_error(sentence), kind_(kind) {}

    Kind kind() const { return kind_; }

private:
    Kind kind_;
};

// Throws Error{broken}: "<what>: <text of the error number>".
[[noreturn]] void fail(const std::string& what, int error_number = errno);

// The text of an error number, thread-safe (man 3 strerror, GNU variant).
std::string describe(int error_number);

}  // namespace sys
