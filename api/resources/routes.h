// The route table: everything this server answers, on one page.
#pragma once

#include <vector>

#include "api/http/server.h"
#include "api/resources/context.h"
#include "api/resources/openapi.h"

namespace resources {

// The handler that a server runs for every request: looks the route up and turns errors into
// answers.
http::Handler handler(Context& context);

// Likewise for a server of /metrics alone.
http::Handler metrics_handler(Context& context);

// The same table for readers: every route that is there with these settings, in its order.
std::vector<Operation> operations(const config::Settings& settings);

}  // namespace resources
