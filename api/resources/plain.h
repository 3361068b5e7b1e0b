// The requests that are answered from what is known, at once.
#pragma once

#include <memory>

#include "api/http/exchange.h"
#include "api/resources/context.h"

namespace resources {

// GET /: Piston's greeting, by which clients see that the address is right.
void greeting(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// GET /runtimes: what can be run.
void runtimes(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// GET /healthz: the process answers. Nothing is tried.
void healthz(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// GET /readyz: see Readiness.
void readyz(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// GET /version: name, version, and the version of Piston whose API this is.
void version(Context& context, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace resources
