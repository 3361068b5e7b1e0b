// The paths of the public Piston, which most published clients were written for (contract section
// 2.9): /api/v2/piston and /api/v1/piston. Jobs sent there can be limited in number for each
// client, and reserved for clients with a key.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "api/http/exchange.h"
#include "api/resources/context.h"

namespace resources {

// True for paths beneath one of the two bases.
bool is_facade(std::string_view path);

// POST /api/v2/piston/execute and POST /api/v1/piston/execute.
void facade_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange);
void facade_v1_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// GET /api/v1/piston/versions.
void facade_v1_versions(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// What a client that came too early is told: 429, how often it may come, and how long to wait.
http::Response too_many(RateOf what, Rate rate, config::Milliseconds wait);

}  // namespace resources
