#include "api/resources/picobytes.h"

#include <utility>

#include "api/dialects/picobytes.h"
#include "api/dialects/picobytes_reply.h"
#include "api/resources/answer.h"
#include "api/resources/caller.h"

namespace resources {

namespace {

// Runs on a slot's thread, of which it is the top: whatever goes wrong becomes an answer.
void run(Context& context, http::Exchange& exchange, const dialects::PicobytesJob& job) {
    try {
        exchange.answer(json(200, dialects::submit(context.engine, job, exchange.client_gone())));
    } catch (const std::exception& error) {
        exchange.answer(problem(error, job.submitted.id, dialects::picobytes_problem_of));
    }
}

}  // namespace

void picobytes_submit(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    const auto& request = exchange->request();
    const auto id = request_id(request);
    try {
        const auto policy = context.policy.get();
        auto job = std::make_shared<dialects::PicobytesJob>();
        job->request = dialects::decode_picobytes(request.body);
        job->submitted = dialects::submitted_job(
            job->request, dialects::runtime_of(job->request, *context.engine.runtimes()));
        job->submitted.id = id;
        job->submitted.asker = asker_of(request, *policy);
        job->most_time = policy->settings.dialects.picobytes.max_timeout;
        auto ticket = ticket_of(request, *policy);
        ticket.size = config::Bytes{request.body.size()};
        ticket.gone = exchange->client_gone();
        context.admission.submit(std::move(ticket),
                                 [&context, exchange, job] { run(context, *exchange, *job); });
    } catch (const std::exception& error) {
        context.meter.rejected(error);
        exchange->answer(problem(error, id, dialects::picobytes_problem_of));
    }
}

}  // namespace resources
