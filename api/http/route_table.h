// What is offered where: a visible table, matched as Express matches, because Piston's clients rely
// on it: paths without regard to case, an optional trailing slash, HEAD wherever there is GET,
// OPTIONS on every known path, and 404 rather than 405 for a method that a known path does not
// have.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/http/exchange.h"

namespace http {

// One line of the table. A path that is served under several prefixes has a line for each.
struct Route {
    std::string_view method;
    std::string_view path;  // without trailing slash, unless it is "/"
    Handler handler;
};

struct Match {
    const Route* route = nullptr;  // what serves the request, if anything does
    std::string allow;             // for OPTIONS on a known path: "GET,HEAD,POST"
};

// True for the base itself and for paths that go on behind it; without regard to case.
bool is_beneath(std::string_view path, std::string_view base);

Match match(std::span<const Route> table, const Request& request);

// Which requests with a body are let through to the routes.
enum class ContentTypes {
    // Under /api/v2 all but GET, HEAD and OPTIONS must say application/json; not under
    // /api/v2/piston, for the public API had no such gate.
    json_only,
    any,  // for clients that say nothing
};

// Hands the exchange to its route, or answers 415 or 404 itself. The gate for content types comes
// before routing, as in Piston: an unknown path under /api/v2 is 415 without the type, 404 with it.
void dispatch(std::span<const Route> table, ContentTypes accepted,
              const std::shared_ptr<Exchange>& exchange);

}  // namespace http
