// POST /execute: run a program and answer with what came of it.
#pragma once

#include <memory>

#include "api/http/exchange.h"
#include "api/resources/context.h"

namespace resources {

// Decodes at once, so that a wrong request is told so without waiting; the job then waits for a
// slot as a value. If the client goes away, its job is killed.
void execute(Context& context, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace resources
