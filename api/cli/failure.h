// How the tool ends: exit codes, and the errors that carry one.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cli {

enum class ExitCode : int {
    done = 0,
    failed = 1,
    usage = 2,
    not_found = 3,
    busy = 4,        // somebody else holds the lock, or the engine has no room
    damaged = 5,     // a digest or a verification is wrong
    permission = 77  // sysexits.h: EX_NOPERM
};

// The lines of --help that explain them.
extern const char* const exit_codes_help;

// An error that knows its exit code. what() is a sentence without a full stop.
class Failure : public std::runtime_error {
public:
    Failure(ExitCode code, const std::string& sentence)
        : std::runtime_error(sentence), code_(code) {}

    ExitCode code() const { return code_; }

private:
    ExitCode code_;
};

// True if an error's sentence is about a digest. Kinds of errors do not tell that apart, neither
// here nor over HTTP, where Piston says "Checksum miss-match".
bool is_about_digest(std::string_view sentence);

// The exit code for any exception. Pure.
ExitCode exit_code_of(const std::exception& error);

}  // namespace cli
