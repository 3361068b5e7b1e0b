// The proof that the server works, for the watchdog: it answers as a client would see it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace daemon_process {

// Connects to ourselves and asks for /healthz. True if anything is answered: to be turned away, as
// one connection too many, is an answer as well. False when the patience ends first.
bool answers(const std::string& listen, std::uint16_t port, std::chrono::milliseconds patience);

}  // namespace daemon_process
