// How a call fails: a code of gRPC and a sentence. Pure, and free of the library.
#pragma once

#include <chrono>
#include <exception>
#include <string>
#include <string_view>

#include "api/resources/caller.h"

namespace rpc {

// Those that are used here, with gRPC's numbers.
enum class Code {
    canceled = 1,
    invalid_argument = 3,
    deadline_exceeded = 4,
    not_found = 5,
    permission_denied = 7,
    resource_exhausted = 8,
    internal = 13,
    unavailable = 14,
    unauthenticated = 16,
};

struct Failure {
    Code code = Code::internal;
    std::string sentence;
    std::chrono::milliseconds retry_after{0};  // 0: nothing is known

    bool operator==(const Failure&) const = default;
};

// Of an exception; one that is no sys::Error counts as the engine's fault, of which the client gets
// the id only.
Failure failure_of(const std::exception& error, std::string_view id);

// Of a key that is missing, unknown, for something else, or used too often.
Failure failure_of(const resources::Refusal& refusal);

Failure shutting_down();
Failure deadline_exceeded();
Failure canceled();

}  // namespace rpc
