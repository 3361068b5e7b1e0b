#include "api/resources/metrics.h"

#include <utility>

#include "api/resources/answer.h"
#include "api/resources/caller.h"
#include "api/resources/client.h"

namespace resources {

std::optional<http::Response> metrics_refusal(const Policy& policy, const http::Request& request) {
    if (policy.readers.find(shown_key(request)) != nullptr) return std::nullopt;
    if (!policy.settings.keys.file.empty())
        return key_refusal(policy, request, config::Scope::admin);
    if (is_local(request, policy.proxies)) return std::nullopt;
    return unauthorized(
        "metrics are told to clients of this machine, and to others with \"Authorization: Bearer "
        "<token>\" and the token of metrics.token");
}

void tell_metrics(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    const auto policy = context.policy.get();
    if (!policy->settings.metrics.enabled)
        return exchange->answer(message(404, "there are no metrics here (metrics.enabled)"));
    if (auto refused = metrics_refusal(*policy, exchange->request())) {
        context.meter.rejected(metrics::Rejection::key);
        return exchange->answer(std::move(*refused));
    }
    exchange->answer({.content_type = "text/plain; version=0.0.4; charset=utf-8",
                      .fields = {{"Cache-Control", "no-store"}},
                      .body = context.meter.text(context.levels())});
}

void metrics_page(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    if (context.policy.get()->settings.metrics.listen.empty())
        return tell_metrics(context, exchange);
    exchange->answer(message(404, "metrics have an address of their own here (metrics.listen)"));
}

}  // namespace resources
