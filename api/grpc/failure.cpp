#include "api/grpc/failure.h"

#include "engine/busy.h"
#include "isolate/sys/error.h"

namespace rpc {

namespace {

Code code_of(sys::Kind kind) {
    switch (kind) {
        case sys::Kind::invalid:
            return Code::invalid_argument;
        case sys::Kind::not_found:
            return Code::not_found;
        case sys::Kind::busy:
            return Code::resource_exhausted;
        case sys::Kind::broken:
            return Code::internal;
    }
    __builtin_unreachable();
}

std::string with_time(std::string sentence, std::chrono::milliseconds wait) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
    return std::move(sentence) + "; try again in " + std::to_string(seconds) + " s";
}

}  // namespace

Failure failure_of(const std::exception& error, std::string_view id) {
    if (const auto* const busy = dynamic_cast<const engine::Busy*>(&error)) {
        return {Code::resource_exhausted, with_time(busy->what(), busy->retry_after()),
                busy->retry_after()};
    }
    const auto* const known = dynamic_cast<const sys::Error*>(&error);
    if (!known || known->kind() == sys::Kind::broken)
        return {Code::internal, "internal error " + std::string{id}};
    return {code_of(known->kind()), known->what()};
}

Failure failure_of(const resources::Refusal& refusal) {
    constexpr int forbidden = 403;
    constexpr int too_many_requests = 429;
    if (refusal.status == too_many_requests) {
        return {Code::resource_exhausted, with_time(refusal.why, refusal.retry_after),
                refusal.retry_after};
    }
    return {refusal.status == forbidden ? Code::permission_denied : Code::unauthenticated,
            refusal.why};
}

Failure shutting_down() {
    return {Code::unavailable, "the engine is shutting down"};
}

Failure deadline_exceeded() {
    return {Code::deadline_exceeded, "the call's deadline is over; its program was killed"};
}

Failure canceled() {
    return {Code::canceled, "the call was canceled; its program was killed"};
}

}  // namespace rpc
