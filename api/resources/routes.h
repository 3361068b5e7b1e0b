// The route table: everything this server answers, on one page.
#pragma once

#include "api/http/server.h"
#include "api/resources/context.h"

namespace resources {

// The handler that a server runs for every request: looks the route up and turns errors into
// answers.
http::Handler handler(Context& context);

}  // namespace resources
