// No room for a job now, and when there probably will be.
#pragma once

#include <chrono>
#include <string>

#include "isolate/sys/error.h"

namespace engine {

class Busy : public sys::Error {
public:
    Busy(const std::string& sentence, std::chrono::seconds retry_after)
        : Error(sys::Kind::busy, sentence), retry_after_(retry_after) {}

    // At least a second.
    std::chrono::seconds retry_after() const { return retry_after_; }

private:
    std::chrono::seconds retry_after_;
};

}  // namespace engine
