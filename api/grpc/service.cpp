// The library's callback API: no thread waits for a call. A call is a reactor, which the library
// keeps until OnDone() and the job keeps until it has answered, whichever is later; self_ is the
// library's share. Reactions of one call may come on several threads at once.
#include "api/grpc/service.h"

#include <grpcpp/grpcpp.h>

#include <array>
#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <utility>

#include "api/grpc/execute.h"
#include "api/grpc/executor.grpc.pb.h"
#include "api/grpc/peer.h"
#include "api/resources/backlog.h"
#include "api/resources/version.h"
#include "api/wire/json_text.h"
#include "isolate/sys/error.h"

namespace rpc {

namespace {

grpc::Status status_of(const Failure& failure) {
    // The enumerators have the library's numbers.
    return {static_cast<grpc::StatusCode>(failure.code), failure.sentence};
}

// Clients that retry by themselves come back when they are told to (gRPC's proposal A6).
void tell_when(grpc::CallbackServerContext& context, const Failure& failure) {
    if (failure.retry_after.count() == 0) return;
    context.AddTrailingMetadata("grpc-retry-pushback-ms",
                                std::to_string(failure.retry_after.count()));
}

std::string metadata_of(const grpc::CallbackServerContext& context, std::string_view name) {
    // Several fields of one name are one list.
    std::string value;
    const auto& fields = context.client_metadata();
    const auto [first, last] = fields.equal_range({name.data(), name.size()});
    for (auto field = first; field != last; ++field)
        value.append(value.empty() ? "" : ",").append(field->second.data(), field->second.size());
    return value;
}

std::optional<Clock::time_point> deadline_of(const grpc::CallbackServerContext& context) {
    // The library tells it by the other clock.
    const auto left = context.deadline() - std::chrono::system_clock::now();
    constexpr auto for_ever = std::chrono::hours{24 * 365};
    if (left > for_ever) return std::nullopt;
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(left);
}

Asked asked_by(const grpc::CallbackServerContext& context, const executor::ExecuteRequest& request,
               std::stop_token gone) {
    return {.request = {.language = request.language(),
                        .code = request.code(),
                        .input = request.input(),
                        .timeout_seconds = request.timeout_seconds(),
                        .memory_limit_mb = request.memory_limit_mb(),
                        .cpu_limit = request.cpu_limit()},
            .caller = request_of(context.peer(),
                                 [&](std::string_view name) { return metadata_of(context, name); }),
            .deadline = deadline_of(context),
            .gone = std::move(gone)};
}

void write_to(executor::ExecuteResponse& message, const dialects::CodeExecutorResponse& response) {
    message.set_stdout(wire::valid_text(response.stdout));
    message.set_stderr(wire::valid_text(response.stderr));
    message.set_exit_code(response.exit_code);
    message.set_timeout(response.timeout);
    message.set_memory_exceeded(response.memory_exceeded);
    message.set_execution_time_ms(response.execution_time_ms);
    message.set_memory_used_mb(response.memory_used_mb);
}

// What the library says when the client has gone: it also does when the deadline is over.
Failure ended_by_client(const std::optional<Clock::time_point>& deadline) {
    return deadline && Clock::now() >= *deadline ? deadline_exceeded() : canceled();
}

class UnaryCall : public grpc::ServerUnaryReactor, public Reply {
public:
    UnaryCall(grpc::CallbackServerContext& context, executor::ExecuteResponse& response,
              Doorkeeper& doorkeeper)
        : context_(context),
          response_(response),
          doorkeeper_(doorkeeper),
          deadline_(deadline_of(context)) {}

    static grpc::ServerUnaryReactor* begin(resources::Context& resources, Doorkeeper& doorkeeper,
                                           grpc::CallbackServerContext& context,
                                           const executor::ExecuteRequest& request,
                                           executor::ExecuteResponse& response) {
        const auto call = std::make_shared<UnaryCall>(context, response, doorkeeper);
        call->self_ = call;
        execute(resources, asked_by(context, request, call->gone_.get_token()), call);
        return call.get();
    }

    void succeed(const dialects::CodeExecutorResponse& response) override {
        if (is_finished_.exchange(true)) return;
        write_to(response_, response);
        Finish(grpc::Status::OK);
    }

    void fail(const Failure& failure) override {
        if (is_finished_.exchange(true)) return;
        tell_when(context_, failure);
        Finish(status_of(failure));
    }

    void OnCancel() override {
        gone_.request_stop();
        fail(ended_by_client(deadline_));
    }

    void OnDone() override {
        doorkeeper_.leave();
        const auto last = std::move(self_);
    }

private:
    // Of the library: theirs until OnDone(), which comes after Finish() only.
    grpc::CallbackServerContext& context_;
    executor::ExecuteResponse& response_;
    Doorkeeper& doorkeeper_;
    const std::optional<Clock::time_point> deadline_;
    std::stop_source gone_;
    std::atomic<bool> is_finished_ = false;
    std::shared_ptr<UnaryCall> self_;
};

// Events leave one after the other; what the program writes meanwhile waits here, joined, and if
// that is much the program waits, too.
class StreamCall : public grpc::ServerWriteReactor<executor::ExecuteEvent>, public Reply {
public:
    StreamCall(grpc::CallbackServerContext& context, Doorkeeper& doorkeeper)
        : context_(context),
          doorkeeper_(doorkeeper),
          deadline_(deadline_of(context)),
          steering_(config::Bytes{0}) {
        steering_.end_input();  // all of it stands in the request
    }

    static grpc::ServerWriteReactor<executor::ExecuteEvent>* begin(
        resources::Context& resources, Doorkeeper& doorkeeper, grpc::CallbackServerContext& context,
        const executor::ExecuteRequest& request) {
        const auto call = std::make_shared<StreamCall>(context, doorkeeper);
        call->self_ = call;
        execute(resources, asked_by(context, request, call->gone_.get_token()), call);
        return call.get();
    }

    isolate::Steering* steering() override { return &steering_; }

    void stage_started(engine::Stage stage) override {
        executor::ExecuteEvent event;
        event.set_stage(stage == engine::Stage::compile ? executor::STAGE_COMPILE
                                                        : executor::STAGE_RUN);
        send(std::move(event));
    }

    void output(engine::Stage, engine::Stream stream, std::string_view bytes) override {
        if (join(stream, bytes)) return;
        executor::ExecuteEvent event;
        text_of(event, stream).assign(bytes);
        send(std::move(event));
    }

    void succeed(const dialects::CodeExecutorResponse& response) override {
        executor::ExecuteEvent event;
        write_to(*event.mutable_response(), response);
        send(std::move(event));
        std::unique_lock lock{mutex_};
        if (end_) return;
        end_ = grpc::Status::OK;
        go_on(std::move(lock));
    }

    void fail(const Failure& failure) override {
        std::unique_lock lock{mutex_};
        if (end_) return;  // and the context may be gone
        tell_when(context_, failure);
        end_ = status_of(failure);
        go_on(std::move(lock));
    }

    void OnWriteDone(bool ok) override {
        std::unique_lock lock{mutex_};
        is_writing_ = false;
        unsent_ -= waiting_.front().ByteSizeLong();
        waiting_.pop_front();
        if (!ok) drop();
        if (unsent_ == 0) steering_.hold_output(false);
        go_on(std::move(lock));
    }

    void OnCancel() override {
        gone_.request_stop();
        {
            const std::lock_guard lock{mutex_};
            drop();
        }
        fail(ended_by_client(deadline_));
    }

    void OnDone() override {
        doorkeeper_.leave();
        const auto last = std::move(self_);
    }

private:
    // A message of less is joined with what follows it.
    static constexpr std::size_t enough = std::size_t{32} << 10;

    static std::string& text_of(executor::ExecuteEvent& event, engine::Stream stream) {
        return stream == engine::Stream::out ? *event.mutable_stdout() : *event.mutable_stderr();
    }

    // Puts the bytes behind those of the last event, if that still waits and is of their kind.
    bool join(engine::Stream stream, std::string_view bytes) {
        const auto kind = stream == engine::Stream::out ? executor::ExecuteEvent::kStdout
                                                        : executor::ExecuteEvent::kStderr;
        const std::lock_guard lock{mutex_};
        if (waiting_.size() < (is_writing_ ? 2 : 1)) return false;
        auto& last = waiting_.back();
        if (last.event_case() != kind || last.ByteSizeLong() >= enough) return false;
        unsent_ -= last.ByteSizeLong();
        text_of(last, stream).append(bytes);
        unsent_ += last.ByteSizeLong();
        hold_if_much();
        return true;
    }

    void send(executor::ExecuteEvent event) {
        std::unique_lock lock{mutex_};
        if (end_) return;
        unsent_ += event.ByteSizeLong();
        waiting_.push_back(std::move(event));
        hold_if_much();
        go_on(std::move(lock));
    }

    void hold_if_much() {
        if (unsent_ > resources::high_water) steering_.hold_output(true);
    }

    // Drops what waits but for what the library is writing.
    void drop() {
        while (waiting_.size() > (is_writing_ ? 1 : 0)) {
            unsent_ -= waiting_.back().ByteSizeLong();
            waiting_.pop_back();
        }
    }

    // Begins the next write, or the end. The library is called without the mutex: it may react on
    // this thread. Only who set is_writing_ or is_finished_ gets to call it.
    void go_on(std::unique_lock<std::mutex> lock) {
        if (is_writing_ || is_finished_) return;
        if (!waiting_.empty()) {
            is_writing_ = true;
            const auto* const next = &waiting_.front();
            lock.unlock();
            return StartWrite(next);
        }
        if (!end_) return;
        is_finished_ = true;
        const auto status = *end_;
        lock.unlock();
        Finish(status);
    }

    grpc::CallbackServerContext& context_;
    Doorkeeper& doorkeeper_;
    const std::optional<Clock::time_point> deadline_;
    isolate::Steering steering_;
    std::stop_source gone_;
    std::shared_ptr<StreamCall> self_;

    std::mutex mutex_;                            // of what follows
    std::deque<executor::ExecuteEvent> waiting_;  // the first is being written if is_writing_
    std::size_t unsent_ = 0;                      // bytes of those
    std::optional<grpc::Status> end_;             // nothing more is to come
    bool is_writing_ = false;
    bool is_finished_ = false;
};

// A call that was not let in.
class RefusedStream : public grpc::ServerWriteReactor<executor::ExecuteEvent> {
public:
    explicit RefusedStream(const grpc::Status& status) { Finish(status); }
    void OnDone() override { delete this; }  // the library is the only owner
};

class CodeExecutor : public executor::CodeExecutor::CallbackService {
public:
    CodeExecutor(resources::Context& context, Doorkeeper& doorkeeper)
        : context_(context), doorkeeper_(doorkeeper) {}

    grpc::ServerUnaryReactor* Execute(grpc::CallbackServerContext* call,
                                      const executor::ExecuteRequest* request,
                                      executor::ExecuteResponse* response) override {
        if (const auto refused = doorkeeper_.enter()) return finished(*call, *refused);
        return UnaryCall::begin(context_, doorkeeper_, *call, *request, *response);
    }

    grpc::ServerWriteReactor<executor::ExecuteEvent>* ExecuteStream(
        grpc::CallbackServerContext* call, const executor::ExecuteRequest* request) override {
        if (const auto refused = doorkeeper_.enter()) {
            tell_when(*call, *refused);
            return std::make_unique<RefusedStream>(status_of(*refused)).release();
        }
        return StreamCall::begin(context_, doorkeeper_, *call, *request);
    }

    grpc::ServerUnaryReactor* Health(grpc::CallbackServerContext* call,
                                     const executor::HealthRequest*,
                                     executor::HealthResponse* response) override {
        response->set_status(context_.readiness.trouble().empty() ? "healthy" : "unhealthy");
        response->set_version(resources::engine_version);
        auto* const reactor = call->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }

private:
    static grpc::ServerUnaryReactor* finished(grpc::CallbackServerContext& call,
                                              const Failure& failure) {
        tell_when(call, failure);
        auto* const reactor = call.DefaultReactor();
        reactor->Finish(status_of(failure));
        return reactor;
    }

    resources::Context& context_;
    Doorkeeper& doorkeeper_;
};

}  // namespace

std::shared_ptr<grpc::Service> make_code_executor(resources::Context& context,
                                                  Doorkeeper& doorkeeper) {
    return std::make_shared<CodeExecutor>(context, doorkeeper);
}

}  // namespace rpc
