#include "api/grpc/execute.h"

#include <algorithm>
#include <utility>

#include "api/resources/answer.h"
#include "api/resources/caller.h"
#include "isolate/sys/log.h"

namespace rpc {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;

bool is_over(const std::optional<Clock::time_point>& deadline) {
    return deadline && Clock::now() >= *deadline;
}

// What waits for a slot. Work that is dropped, because nobody waits for it any more or the engine
// ends, has its answer by that.
class Waiting {
public:
    Waiting(resources::Context& context, Asked asked, engine::Job job, std::shared_ptr<Reply> reply)
        : context_(context),
          asked_(std::move(asked)),
          job_(std::move(job)),
          reply_(std::move(reply)),
          since_(Clock::now()) {}
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;
    ~Waiting() { reply_->fail(without_result().value_or(shutting_down())); }

    // On a slot's thread, of which it is the top.
    void run() {
        try {
            run_job();
        } catch (const std::exception& error) {
            reply_->fail(without_result().value_or(failure_of(error, job_.id)));
            const auto* const known = dynamic_cast<const sys::Error*>(&error);
            if (!known || known->kind() == sys::Kind::broken)
                sys::log(sys::Level::error, "job_broken",
                         {{"id", job_.id}, {"error", error.what()}});
        }
    }

private:
    // Why the call has no result of its own, if so.
    std::optional<Failure> without_result() const {
        if (is_over(asked_.deadline)) return deadline_exceeded();
        if (asked_.gone.stop_requested()) return canceled();
        return std::nullopt;
    }

    void run_job() {
        job_.waited = duration_cast<microseconds>(Clock::now() - since_);
        bool is_cut = false;
        if (asked_.deadline) {
            const auto left = time_left(*asked_.deadline, Clock::now());
            if (left.count() == 0) return reply_->fail(deadline_exceeded());
            is_cut = left < job_.total_time;
            job_.total_time = std::min(job_.total_time, left);
        }
        const auto result = context_.engine.execute(job_, *reply_, asked_.gone, reply_->steering());
        if (const auto failure = without_result()) return reply_->fail(*failure);
        const auto response = dialects::response_of(result);
        if (is_cut && response.timeout) return reply_->fail(deadline_exceeded());
        reply_->succeed(response);
    }

    resources::Context& context_;
    const Asked asked_;
    engine::Job job_;
    const std::shared_ptr<Reply> reply_;
    const Clock::time_point since_;
};

// Why the caller may not run anything now.
std::optional<resources::Refusal> refusal_of(const resources::Context& context,
                                             const resources::Policy& policy,
                                             const http::Request& caller) {
    if (auto refused = resources::key_trouble(policy, caller, config::Scope::run)) return refused;
    return resources::rate_trouble(context.key_rates, policy, caller, resources::KeyClock::now());
}

void submit(resources::Context& context, Asked asked, const std::string& id,
            const std::shared_ptr<Reply>& reply) {
    const auto policy = context.policy.get();
    if (const auto refused = refusal_of(context, *policy, asked.caller))
        return reply->fail(failure_of(*refused));
    auto job = dialects::job_of(asked.request, *context.engine.runtimes(),
                                policy->settings.dialects.code_executor);
    job.id = id;
    job.asker = resources::asker_of(asked.caller, *policy);
    auto ticket = resources::ticket_of(asked.caller, *policy);
    ticket.size = config::Bytes{asked.request.code.size() + asked.request.input.size()};
    ticket.gone = asked.gone;
    asked.request = {};  // the job has what is needed of it
    const auto waiting =
        std::make_shared<Waiting>(context, std::move(asked), std::move(job), reply);
    try {
        context.admission.submit(std::move(ticket), [waiting] { waiting->run(); });
    } catch (const std::exception& error) {
        context.meter.rejected(error);
        reply->fail(failure_of(error, id));
    }
}

}  // namespace

void execute(resources::Context& context, Asked asked, std::shared_ptr<Reply> reply) {
    const auto id = resources::request_id(asked.caller);
    try {
        submit(context, std::move(asked), id, reply);
    } catch (const std::exception& error) {
        reply->fail(failure_of(error, id));
    }
}

std::chrono::milliseconds time_left(Clock::time_point deadline, Clock::time_point now) {
    if (deadline <= now) return std::chrono::milliseconds{0};
    return duration_cast<std::chrono::milliseconds>(deadline - now);
}

}  // namespace rpc
