#include "api/http/route_table.h"

namespace http {

namespace {

constexpr std::string_view gated_prefix = "/api/v2";
constexpr std::string_view free_prefix = "/api/v2/piston";

std::string_view without_trailing_slash(std::string_view path) {
    constexpr std::string_view shortest = "/x/";  // "//" is no other way to write "/"
    if (path.size() >= shortest.size() && path.ends_with('/')) path.remove_suffix(1);
    return path;
}

bool serves(const Route& route, std::string_view method) {
    return route.method == method || (route.method == "GET" && method == "HEAD");
}

bool is_gated(std::string_view path) {
    return is_beneath(path, gated_prefix) && !is_beneath(path, free_prefix);
}

bool passes_gate(const Request& request) {
    for (const std::string_view free : {"GET", "HEAD", "OPTIONS"})
        if (request.method == free) return true;
    return !is_gated(request.target) ||
           starts_with_word(request.find_field("Content-Type"), "application/json");
}

Response options(const std::string& allow) {
    return {
        .content_type = "text/html; charset=utf-8", .fields = {{"Allow", allow}}, .body = allow};
}

}  // namespace

bool is_beneath(std::string_view path, std::string_view base) {
    if (!starts_with_word(path, base)) return false;
    return path.size() == base.size() || path[base.size()] == '/';
}

Match match(std::span<const Route> table, const Request& request) {
    auto found = Match{};
    const auto path = without_trailing_slash(request.target);
    for (const auto& route : table) {
        if (!same_word(route.path, path)) continue;
        if (serves(route, request.method)) return {&route, {}};
        if (!found.allow.empty()) found.allow += ',';
        found.allow += route.method == "GET" ? "GET,HEAD" : route.method;
    }
    if (request.method != "OPTIONS") found.allow.clear();
    return found;
}

void dispatch(std::span<const Route> table, ContentTypes accepted,
              const std::shared_ptr<Exchange>& exchange) {
    const auto& request = exchange->request();
    if (accepted == ContentTypes::json_only && !passes_gate(request))
        return exchange->answer(problem(415, "requests must be of type application/json"));

    const auto [route, allow] = match(table, request);
    if (route) return route->handler(exchange);
    if (!allow.empty()) return exchange->answer(options(allow));
    exchange->answer(problem(404, "Not Found"));
}

}  // namespace http
