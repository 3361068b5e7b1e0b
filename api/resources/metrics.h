// GET /metrics: what the engine counts, for Prometheus.
//
// It tells how much is run here and with what success, but nothing of any job. Where there is a
// file of keys it is for keys with the scope admin, else for this machine; with the token of
// metrics.token for anybody.
#pragma once

#include <memory>
#include <optional>

#include "api/http/exchange.h"
#include "api/resources/context.h"

namespace resources {

// Why a request may not read them, as an answer; empty if it may. Pure.
std::optional<http::Response> metrics_refusal(const Policy& policy, const http::Request& request);

// On an address of their own (metrics.listen).
void tell_metrics(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// On server.listen: 404 if they have an address of their own.
void metrics_page(Context& context, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace resources
