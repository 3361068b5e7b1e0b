// POST /execute with "Accept: text/event-stream": what happens is told while it happens, as
// server-sent events (WHATWG HTML, section 9.2).
//
//   runtime {"language","version"} · stage {"stage"} · stdout, stderr {"data"} · exit {"stage",
//   "code","signal","status",…} · test {"index","name","verdict",…} · result (the whole ordinary
//   answer) · error {"message"}
#pragma once

#include <memory>

#include "api/http/exchange.h"
#include "api/resources/context.h"
#include "api/resources/execute.h"
#include "engine/job.h"

namespace resources {

bool wants_events(const http::Request& request);

// Runs the job on the caller's thread. What goes wrong before the stream has begun is thrown, and
// is an ordinary answer; what goes wrong later is its last event.
void run_streaming(Context& context, http::Exchange& exchange, const engine::Job& job,
                   const Manner& manner);

}  // namespace resources
