// Requests and connections that never reach the handler, counted by why.
#pragma once

#include <atomic>
#include <cstdint>

namespace http {

struct Refusals {
    std::uint64_t malformed = 0;  // no HTTP, or HTTP that is not spoken here
    std::uint64_t too_large = 0;  // target, header or body
    std::uint64_t too_slow = 0;
    std::uint64_t too_many = 0;  // connections, or bytes that come in at once

    bool operator==(const Refusals&) const = default;
};

class RefusalCounts {
public:
    // By the status of the answer.
    void count(int status);
    Refusals values() const;

private:
    std::atomic<std::uint64_t> malformed_ = 0, too_large_ = 0, too_slow_ = 0, too_many_ = 0;
};

}  // namespace http
