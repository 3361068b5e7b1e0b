#include "api/grpc/doorkeeper.h"

namespace rpc {

std::optional<Failure> Doorkeeper::enter() {
    if (is_shut_) return shutting_down();
    if (++inside_ <= most_) return std::nullopt;
    --inside_;
    return Failure{
        Code::resource_exhausted,
        "there are " + std::to_string(most_) + " calls already (grpc.max_calls); try again in 1 s",
        std::chrono::seconds{1}};
}

}  // namespace rpc
