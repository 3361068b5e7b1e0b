#include "api/resources/routes.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "api/http/route_table.h"
#include "api/resources/answer.h"
#include "api/resources/caller.h"
#include "api/resources/connect.h"
#include "api/resources/cors.h"
#include "api/resources/dialects.h"
#include "api/resources/execute.h"
#include "api/resources/facade.h"
#include "api/resources/metrics.h"
#include "api/resources/origin.h"
#include "api/resources/pages.h"
#include "api/resources/picobytes.h"
#include "api/resources/plain.h"
#include "api/wire/body.h"
#include "api/wire/job.h"

namespace resources {

namespace {

using Resource = void (*)(Context&, const std::shared_ptr<http::Exchange>&);

// Who reads the body of a request: the resource, which then says what is wrong with it, or nobody.
enum class Body { not_read, read };

// Whether a line is there; asked once, when the engine starts.
using IsThere = bool (*)(const config::Settings& settings);

bool always(const config::Settings&) {
    return true;
}
bool with_pages(const config::Settings& settings) {
    return settings.server.pages;
}
bool with_executor(const config::Settings& settings) {
    return is_enabled(settings, "code-executor");
}
bool with_picobytes(const config::Settings& settings) {
    return is_enabled(settings, "picobytes");
}
bool with_health(const config::Settings& settings) {
    return has_base64_jobs(settings) || with_executor(settings);
}

struct Line {
    Operation operation;
    Resource resource;
    Body body = Body::not_read;
    IsThere is_there = always;
    std::optional<config::Scope> scope = {};  // that a key must have; empty: see scope_of()
};

// What a key must be for to use a line, if it must be for anything. Whatever changes something runs
// code unless its line says otherwise, so that a new line is not forgotten. The packages have rules
// of their own (packages.h).
std::optional<config::Scope> scope_of(const Line& line) {
    if (line.scope) return line.scope;
    const auto& operation = line.operation;
    if (http::is_beneath(operation.path, "/api/v2/packages")) return std::nullopt;
    const bool only_tells = operation.method == "GET" && operation.gives != web_socket;
    return only_tells ? std::nullopt : std::optional{config::Scope::run};
}

void list_packages(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    context.packages.list(exchange);
}
void install_package(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    context.packages.install(exchange);
}
void uninstall_package(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    context.packages.uninstall(exchange);
}

constexpr std::string_view runs = "Runs a program and answers with what came of it.";
constexpr std::string_view lists = "Lists the languages that can be run, a version each.";
constexpr std::string_view talks = "Opens a WebSocket to a program while it runs.";

// The bases are those of a Piston of one's own and of the public one. The columns are those of
// Operation: method, path, what it does, what it takes, what it gives, how it fails.
constexpr Line table[] = {
    {{"GET", "/", "Says that this is Piston's API, and which version of it.", "", "Message"},
     greeting},
    {{"GET", "/api/v2/runtimes", lists, "", "Runtimes"}, runtimes},
    {{"POST", "/api/v2/execute", runs, "Job", "JobResult", {400, 401, 403, 415, 429, 500}},
     execute,
     Body::read},
    {{"GET", "/api/v2/connect", talks, "", web_socket, {400, 401, 403, 404, 426, 429}}, connect},
    {{"GET",
      "/api/v2/packages",
      "Lists the packages that are offered or installed.",
      "",
      "Packages",
      {401, 403, 500, 503}},
     list_packages},
    {{"POST",
      "/api/v2/packages",
      "Installs a package, and answers when it can be used.",
      "PackageRequest",
      "Package",
      {400, 401, 403, 404, 415, 500, 502, 503}},
     install_package},
    {{"DELETE",
      "/api/v2/packages",
      "Removes an installed package.",
      "PackageRequest",
      "Package",
      {400, 401, 403, 404, 415, 500, 503}},
     uninstall_package},
    {{"GET", "/api/v2/piston/runtimes", lists, "", "Runtimes"}, runtimes},
    {{"POST", "/api/v2/piston/execute", runs, "Job", "JobResult", {400, 401, 403, 429, 500}},
     facade_execute,
     Body::read},
    {{"GET", "/api/v1/piston/versions", lists, "", "V1Versions"}, facade_v1_versions},
    {{"POST", "/api/v1/piston/execute", runs, "V1Job", "V1Result", {400, 401, 403, 429, 500}},
     facade_v1_execute,
     Body::read},
    {{"POST", "/mini-piston/execute", runs, "MiniJob", "MiniResult", {400, 401, 403, 429, 500}},
     mini_piston_execute,
     Body::read,
     has_mini_piston},
    {{"POST",
      "/base64-jobs/execute",
      runs,
      "Base64Job",
      "Base64Result",
      {400, 401, 403, 422, 429, 500},
      "Detail"},
     base64_jobs_execute,
     Body::read,
     has_base64_jobs},
    {{"POST",
      "/execute",
      "Runs a program for a client of mini-piston or, if dialects.execute says so, of base64-jobs.",
      "MiniJob",
      "MiniResult",
      {400, 401, 403, 404, 429, 500}},
     either_execute,
     Body::read,
     has_either},
    {{"POST",
      "/api/v1/execute",
      "Runs a program for a client of code-executor, or of Piston's first API if it sends source.",
      "ExecutorJob",
      "ExecutorResult",
      {400, 401, 403, 429, 500},
      "ExecutorError"},
     v1_execute,
     Body::read},
    {{"POST",
      "/submit",
      "Checks, compiles and tests an exercise in C, and looks at its heap, for a client of "
      "picobytes.",
      "PicobytesJob",
      "PicobytesResult",
      {400, 401, 403, 422, 429, 500},
      "Detail"},
     picobytes_submit,
     Body::read,
     with_picobytes},
    {{"GET", "/health", "Says that the process answers; nothing is tried.", "", "Health"},
     health,
     Body::not_read,
     with_health},
    {{"GET", "/api/v1/health", "Says that the process answers; nothing is tried.", "", "Health"},
     health,
     Body::not_read,
     with_executor},
    {{"GET", "/healthz", "Says that the process answers; nothing is tried.", "", "Status"},
     healthz},
    {{"GET", "/readyz", "Says whether a job can be run now, by running one.", "", "Status", {503}},
     readyz},
    {{"GET", "/version", "Names the program and its version.", "", "Version"}, version},
    {{"GET", "/metrics", "Tells Prometheus what it counts.", "", "", {401, 403, 404}},
     metrics_page},
    {{"GET", "/playground", "A page to write programs and run them.", "", ""},
     playground,
     Body::not_read,
     with_pages},
    {{"GET", "/docs", "This document as a page.", "", ""}, docs, Body::not_read, with_pages},
    {{"GET", "/openapi.json", "This document.", "", "Document"},
     openapi,
     Body::not_read,
     with_pages},
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

// Piston reads bodies before it looks at paths: one that cannot be read is refused even where
// nobody wants it. What a resource reads itself is not read twice. Throws wire::SyntaxError.
void check_body(const http::Request& request, Body body) {
    const auto type = request.find_field("Content-Type");
    if (request.body.empty() || !wire::is_json(type)) return;
    wire::check_charset(type);
    if (body == Body::not_read) wire::check_json(request.body);
}

// Paths of services that were made for the pages of others, and say so in every answer.
bool is_open(const config::Settings& settings, std::string_view path) {
    return is_facade(path) || is_base64_jobs(settings, path);
}

// What a browser may let the scripts of web pages see goes with every answer.
void add_cors(http::Exchange& exchange, const config::Settings& settings) {
    const auto& request = exchange.request();
    const auto& origins = origins_of(settings, request.target).list;
    for (auto& field : cors_fields(origins, request.find_field("Origin")))
        exchange.add_field(std::move(field));
    if (is_open(settings, request.target) && !origins.empty())
        exchange.add_field({"Access-Control-Allow-Headers", "*"});
}

// The answer to OPTIONS on a known path, where it is not the list of methods.
std::optional<http::Response> options(const http::Request& request,
                                      const config::Settings& settings, std::string_view allow) {
    if (allow.empty()) return std::nullopt;
    if (!is_open(settings, request.target))
        return preflight(settings.server.cors_origins, request, allow);
    return http::Response{.status = 200, .content_type = "", .fields = {}, .body = ""};
}

// Why the client may not have this done, whatever its body says; empty if it may.
std::optional<http::Response> refusal(const Context& context, const Policy& policy,
                                      const http::Request& request, const Line* line) {
    const auto counted = [&context](std::optional<http::Response> refused,
                                    metrics::Rejection reason) {
        if (refused) context.meter.rejected(reason);
        return refused;
    };
    if (auto refused = counted(page_refusal(policy.settings, policy.reach, request),
                               metrics::Rejection::origin))
        return refused;
    const auto scope = line ? scope_of(*line) : std::nullopt;
    if (!scope) return std::nullopt;
    if (auto refused = counted(key_refusal(policy, request, *scope), metrics::Rejection::key))
        return refused;
    if (*scope != config::Scope::run) return std::nullopt;
    return counted(rate_refusal(context.key_rates, policy, request, KeyClock::now()),
                   metrics::Rejection::rate);
}

// What is there: routes, and the line of the table that each came from.
struct Routes {
    std::vector<http::Route> all;
    std::vector<const Line*> lines;
};

void route(const Routes& routes, const Context& context,
           const std::shared_ptr<http::Exchange>& exchange) {
    const auto& request = exchange->request();
    const auto policy = context.policy.get();
    add_cors(*exchange, policy->settings);

    const auto found = http::match(routes.all, request);
    const auto* const line =
        found.route ? routes.lines[static_cast<std::size_t>(found.route - routes.all.data())]
                    : nullptr;
    if (auto refused = refusal(context, *policy, request, line))
        return exchange->answer(std::move(*refused));
    const auto body = line ? line->body : Body::not_read;
    try {
        check_body(request, body);
    } catch (const std::exception& error) {
        context.meter.rejected(error);
        return exchange->answer(problem(error, request_id(request)));
    }
    if (auto answer = options(request, policy->settings, found.allow))
        return exchange->answer(std::move(*answer));
    if (!line) context.meter.rejected(metrics::Rejection::not_found);
    const bool any = policy->settings.server.content_types == config::ContentTypes::any;
    http::dispatch(routes.all, any ? http::ContentTypes::any : http::ContentTypes::json_only,
                   exchange);
}

}  // namespace

http::Handler handler(Context& context) {
    auto routes = std::make_shared<Routes>();
    const auto policy = context.policy.get();
    for (const auto& line : table) {
        if (!line.is_there(policy->settings)) continue;
        const auto& operation = line.operation;
        routes->all.push_back({operation.method, operation.path, guarded(context, line.resource)});
        routes->lines.push_back(&line);
    }
    return [routes, &context](const std::shared_ptr<http::Exchange>& exchange) {
        route(*routes, context, exchange);
    };
}

http::Handler metrics_handler(Context& context) {
    const std::vector<http::Route> routes{{"GET", "/metrics", guarded(context, tell_metrics)}};
    const auto reach = reach_of(context.policy.get()->settings.metrics.listen);
    return [routes, reach, &context](const std::shared_ptr<http::Exchange>& exchange) {
        const auto policy = context.policy.get();
        if (auto refused = page_refusal(policy->settings, reach, exchange->request()))
            return exchange->answer(std::move(*refused));
        http::dispatch(routes, http::ContentTypes::any, exchange);
    };
}

std::vector<Operation> operations(const config::Settings& settings) {
    std::vector<Operation> there;
    for (const auto& line : table) {
        if (line.is_there(settings)) there.push_back(line.operation);
    }
    return there;
}

}  // namespace resources
