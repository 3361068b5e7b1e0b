#include "api/resources/facade.h"

#include <chrono>
#include <string>

#include "api/http/route_table.h"
#include "api/resources/answer.h"
#include "api/resources/caller.h"
#include "api/resources/client.h"
#include "api/resources/execute.h"
#include "api/wire/facade.h"
#include "api/wire/form.h"
#include "api/wire/job.h"

namespace resources {

namespace {

engine::Job decode_v2(const std::string& body, const engine::Runtimes& runtimes,
                      const config::Settings&) {
    return wire::decode_job(body, runtimes, wire::Dialect::facade);
}

engine::Job decode_v1(const std::string& body, const engine::Runtimes& runtimes,
                      const config::Settings&) {
    return wire::decode_v1_job(body, runtimes);
}

constexpr Manner v2{decode_v2, wire::encode_facade, wire::facade_problem_of};
constexpr Manner v1{decode_v1, wire::encode_v1, wire::facade_problem_of};

Rate rate_of(const config::Facade& settings, RateOf what) {
    if (what == RateOf::v1) return {settings.v1_rate_limit, settings.v1_rate_window};
    return {settings.rate_limit, settings.rate_window};
}

// Why the client may not send a job now; empty if it may.
std::optional<http::Response> refusal(Context& context, const http::Request& request, RateOf what) {
    const auto policy = context.policy.get();
    const auto& settings = policy->settings.facade;
    const auto* const key = policy->keys.find(shown_key(request));
    if (key && key->may(config::Scope::run)) return std::nullopt;
    if (settings.keys_required) {
        context.meter.rejected(metrics::Rejection::key);
        return unauthorized(
            "jobs are run here for known keys only: send yours as "
            "\"Authorization: <key>\" (facade.keys_required)");
    }
    const auto rate = rate_of(settings, what);
    const auto client = client_of(request, policy->proxies).value_or(config::Address{});
    const auto wait = context.rate_limit.take(client, what, rate, RateClock::now());
    if (wait.count() == 0) return std::nullopt;
    context.meter.rejected(metrics::Rejection::rate);
    return too_many(what, rate, wait);
}

void execute_limited(Context& context, const std::shared_ptr<http::Exchange>& exchange, RateOf what,
                     const Manner& manner) {
    if (auto refused = refusal(context, exchange->request(), what))
        return exchange->answer(std::move(*refused));
    const auto& request = exchange->request();
    if (wire::is_form(request.find_field("Content-Type")))
        return execute(context, exchange, manner, wire::json_of_form(request.body));
    execute(context, exchange, manner);
}

}  // namespace

bool is_facade(std::string_view path) {
    return http::is_beneath(path, "/api/v2/piston") || http::is_beneath(path, "/api/v1/piston");
}

void facade_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    execute_limited(context, exchange, RateOf::v2, v2);
}

void facade_v1_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    execute_limited(context, exchange, RateOf::v1, v1);
}

void facade_v1_versions(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    exchange->answer(json(200, wire::encode_v1_versions(*context.engine.runtimes())));
}

http::Response too_many(RateOf what, Rate rate, config::Milliseconds wait) {
    // Version 1 counted by the second, and its clients look for that sentence.
    const bool is_second = what == RateOf::v1 && rate.window == std::chrono::seconds{1};
    const auto window =
        is_second ? std::string{"second"} : std::to_string(rate.window.count()) + "ms";
    auto response =
        message(429, "Requests limited to " + std::to_string(rate.limit) + " per " + window);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait);
    response.fields.push_back({"Retry-After", std::to_string(seconds.count())});
    return response;
}

}  // namespace resources
