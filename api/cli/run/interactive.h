// A program that is talked to while it runs: /api/v2/connect on one side, our standard descriptors,
// terminal and signals on the other, one thread asleep in one poll.
#pragma once

#include "api/cli/rest.h"
#include "api/cli/run/program.h"
#include "api/cli/run/transcript.h"

namespace cli {

// Runs it to its end and returns the exit code; 128 + n if signal n ended the waiting: the second
// of its kind, for the first is the program's, or the first that comes from outside while our
// terminal is raw. Throws Failure and sys::Error.
int interact(const Rest& engine, const Program& program, Transcript& transcript);

// The part of the bytes that can be sent as text now; a character that is not complete stays in
// `pending`. Pure.
std::string take_characters(std::string& pending);

}  // namespace cli
