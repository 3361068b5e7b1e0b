// POST /submit: an exercise in C, checked, compiled, tested and looked at by Valgrind
// (api/dialects/picobytes.h).
#pragma once

#include <memory>

#include "api/http/exchange.h"
#include "api/resources/context.h"

namespace resources {

// Decodes at once and waits for a slot as a value, as execute() does; a submission has one slot
// from its beginning to its end. If the client goes away, it is killed.
void picobytes_submit(Context& context, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace resources
