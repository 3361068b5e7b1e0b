// A call that runs a job: the same way into the engine as POST /execute (resources/execute.h), told
// to whoever answers the call. Free of gRPC.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "api/dialects/code_executor.h"
#include "api/grpc/failure.h"
#include "api/http/message.h"
#include "api/resources/context.h"
#include "engine/events.h"
#include "isolate/steering.h"

namespace rpc {

using Clock = std::chrono::steady_clock;

// What a call asks for, and until when.
struct Asked {
    dialects::CodeExecutorRequest request;
    http::Request caller;                       // request_of()
    std::optional<Clock::time_point> deadline;  // empty: none
    std::stop_token gone;                       // the client has gone, or the deadline is over
};

// The end of a call: one of these comes, sooner or later, from any thread. What comes after the
// first is to be ignored.
class Reply : public engine::Events {
public:
    virtual void succeed(const dialects::CodeExecutorResponse& response) = 0;
    virtual void fail(const Failure& failure) = 0;

    // By which the program's output can be held; null: it is not.
    virtual isolate::Steering* steering() { return nullptr; }
};

// Refuses, or queues the job and returns at once. The reply is kept until it has come. A call whose
// `gone` is stopped fails as canceled or, if its time is over, for its deadline; so does a job that
// ran out of time because of the deadline.
void execute(resources::Context& context, Asked asked, std::shared_ptr<Reply> reply);

// The time to the deadline, never less than 0.
std::chrono::milliseconds time_left(Clock::time_point deadline, Clock::time_point now);

}  // namespace rpc
