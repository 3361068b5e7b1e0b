#include "api/resources/execute.h"

#include <chrono>
#include <utility>

#include "api/resources/answer.h"
#include "api/wire/job.h"
#include "api/wire/result.h"
#include "isolate/sys/log.h"

namespace resources {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

// Runs on a slot's thread, of which it is the top: whatever goes wrong becomes an answer.
void run(Context& context, http::Exchange& exchange, engine::Job& job,
         steady_clock::time_point asked) {
    try {
        job.waited = duration_cast<microseconds>(steady_clock::now() - asked);
        engine::Events nobody;
        const auto result = context.engine.execute(job, nobody, exchange.client_gone());
        exchange.answer(json(200, wire::encode(result)));
    } catch (const std::exception& error) {
        exchange.answer(problem(error, job.id));
    }
}

}  // namespace

void execute(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    const auto asked = steady_clock::now();
    const auto& request = exchange->request();
    auto job =
        std::make_shared<engine::Job>(wire::decode_job(request.body, *context.engine.runtimes()));
    job->id = request_id(request);
    const config::Bytes size{request.body.size()};
    context.admission.submit(
        size, [&context, exchange, job, asked] { run(context, *exchange, *job, asked); });
}

}  // namespace resources
