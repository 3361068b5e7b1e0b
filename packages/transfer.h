// One attempt to get what an address holds over HTTP: request, redirects, head, body (libcurl).
//
// What the network does is a value, Outcome, because most of it is worth another try; fetch.h
// decides. Redirects are followed here and checked one by one; the address of every connection is
// checked when its socket is made, after the name was resolved, so that a name that resolves
// differently the second time gains nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "isolate/sys/error.h"
#include "packages/network.h"

namespace packages {

struct Asking {
    std::string url;
    std::uint64_t offset = 0;  // from where on; 0: everything
    std::string if_range;      // only if the file is still the one with this validator
};

// What the server says before a body that is wanted (status 200 or 206).
struct AnswerHead {
    bool partial = false;                // 206
    std::uint64_t first = 0;             // offset of the body's first byte
    std::optional<std::uint64_t> total;  // bytes of the whole file
    std::string validator;               // a strong ETag, else Last-Modified; may be empty
};

// Who takes the answer. Called from within C code: must not throw. False ends the transfer.
struct Receiver {
    std::function<bool(const AnswerHead&)> begin;
    std::function<bool(std::string_view)> take;
    std::function<void()> tick;  // now and then, from C++: may throw
};

struct Outcome {
    enum class Ending {
        complete,         // all of the body that was promised has come
        try_again,        // may succeed another time
        failed,           // will not
        no_such_range,    // 416
        receiver_denied,  // the receiver said false and knows why
        stopped,
    };

    Ending ending = Ending::complete;
    sys::Kind kind = sys::Kind::broken;  // of the error this becomes, should it become one
    std::string why = {};                // "<address>: <what happened>"
};

Outcome transfer(const Asking& asking, const FetchPolicy& policy, const Receiver& receiver,
                 const std::stop_token& stop);

}  // namespace packages
