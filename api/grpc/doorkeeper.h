// Which calls are let in: not more than so many at once, and none while the engine shuts down.
#pragma once

#include <atomic>
#include <optional>

#include "api/grpc/failure.h"

namespace rpc {

class Doorkeeper {
public:
    explicit Doorkeeper(int most) : most_(most) {}

    // Counts the call, for which leave() is to be called once; or says why it may not come in.
    std::optional<Failure> enter();
    void leave() { --inside_; }

    // From now on nobody is let in.
    void shut() { is_shut_ = true; }

private:
    const int most_;
    std::atomic<int> inside_ = 0;
    std::atomic<bool> is_shut_ = false;
};

}  // namespace rpc
