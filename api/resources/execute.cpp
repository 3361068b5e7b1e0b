#include "api/resources/execute.h"

#include <chrono>
#include <utility>

#include "api/resources/caller.h"
#include "api/resources/streaming.h"
#include "api/wire/body.h"
#include "api/wire/job.h"
#include "api/wire/result.h"
#include "isolate/sys/log.h"

namespace resources {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

// Runs on a slot's thread, of which it is the top: whatever goes wrong becomes an answer.
void run(Context& context, http::Exchange& exchange, engine::Job& job, const Manner& manner,
         steady_clock::time_point asked) {
    try {
        job.waited = duration_cast<microseconds>(steady_clock::now() - asked);
        if (wants_events(exchange.request())) return run_streaming(context, exchange, job, manner);
        engine::GradingEvents nobody;
        const auto result = carry_out(context, exchange, job, nobody);
        exchange.answer(json(200, manner.encode(result)));
    } catch (const std::exception& error) {
        exchange.answer(problem(error, job.id, manner.problem_of));
    }
}

void submit(Context& context, const std::shared_ptr<http::Exchange>& exchange, const Manner& manner,
            const std::string& body) {
    const auto asked = steady_clock::now();
    const auto id = request_id(exchange->request());
    try {
        const auto policy = context.policy.get();
        auto job = std::make_shared<engine::Job>(
            manner.decode(body, *context.engine.runtimes(), policy->settings));
        job->id = id;
        job->asker = asker_of(exchange->request(), *policy);
        if (job->grading) engine::check_size(*job->grading, policy->settings.grading);
        auto ticket = ticket_of(exchange->request(), *policy);
        ticket.size = config::Bytes{body.size()};
        ticket.gone = exchange->client_gone();
        context.admission.submit(std::move(ticket), [&context, exchange, job, manner, asked] {
            run(context, *exchange, *job, manner, asked);
        });
    } catch (const std::exception& error) {
        context.meter.rejected(error);
        exchange->answer(problem(error, id, manner.problem_of));
    }
}

engine::Job decode(const std::string& body, const engine::Runtimes& runtimes,
                   const config::Settings&) {
    return wire::decode_job(body, runtimes);
}

}  // namespace

engine::JobResult carry_out(Context& context, const http::Exchange& exchange,
                            const engine::Job& job, engine::GradingEvents& events,
                            isolate::Steering* steering) {
    auto gone = exchange.client_gone();
    if (!job.grading) return context.engine.execute(job, events, std::move(gone), steering);
    const auto policy = context.policy.get();
    auto ticket = ticket_of(exchange.request(), *policy);
    ticket.gone = gone;
    return engine::grade(context.engine, job, events, std::move(gone),
                         {.admission = &context.admission,
                          .ticket = std::move(ticket),
                          .settings = policy->settings.grading});
}

void execute(Context& context, const std::shared_ptr<http::Exchange>& exchange,
             const Manner& manner) {
    submit(context, exchange, manner, exchange->request().body);
}

void execute(Context& context, const std::shared_ptr<http::Exchange>& exchange,
             const Manner& manner, const std::string& body) {
    submit(context, exchange, manner, body);
}

void execute(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    const auto& request = exchange->request();
    const auto types = context.policy.get()->settings.server.content_types;
    const bool is_read =
        types == config::ContentTypes::any || wire::is_json(request.find_field("Content-Type"));
    const std::string nothing;
    submit(context, exchange, {decode, wire::encode, wire::problem_of},
           is_read ? request.body : nothing);
}

}  // namespace resources
