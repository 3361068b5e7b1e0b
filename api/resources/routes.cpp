#include "api/resources/routes.h"

#include <memory>
#include <vector>

#include "api/http/route_table.h"
#include "api/resources/answer.h"
#include "api/resources/execute.h"
#include "api/resources/plain.h"

namespace resources {

namespace {

using Resource = void (*)(Context&, const std::shared_ptr<http::Exchange>&);

struct Line {
    std::string_view method, path;
    Resource resource;
};

// The bases are those of a Piston of one's own and of the public one.
void list_packages(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    context.packages.list(exchange);
}
void install_package(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    context.packages.install(exchange);
}
void uninstall_package(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    context.packages.uninstall(exchange);
}

constexpr Line table[] = {
    {"GET", "/", greeting},
    {"GET", "/api/v2/runtimes", runtimes},
    {"GET", "/api/v2/piston/runtimes", runtimes},
    {"POST", "/api/v2/execute", execute},
    {"POST", "/api/v2/piston/execute", execute},
    {"GET", "/api/v2/packages", list_packages},
    {"POST", "/api/v2/packages", install_package},
    {"DELETE", "/api/v2/packages", uninstall_package},
    {"GET", "/healthz", healthz},
    {"GET", "/readyz", readyz},
    {"GET", "/version", version},
};

// A resource that throws has not answered: its error becomes the answer.
http::Handler guarded(Context& context, Resource resource) {
    return [&context, resource](const std::shared_ptr<http::Exchange>& exchange) {
        try {
            resource(context, exchange);
        } catch (const std::exception& error) {
            exchange->answer(problem(error, request_id(exchange->request())));
        }
    };
}

}  // namespace

http::Handler handler(Context& context) {
    auto routes = std::make_shared<std::vector<http::Route>>();
    for (const auto& [method, path, resource] : table) {
        routes->push_back({method, path, guarded(context, resource)});
    }
    return [routes](const std::shared_ptr<http::Exchange>& exchange) {
        http::dispatch(*routes, http::ContentTypes::json_only, exchange);
    };
}

}  // namespace resources
