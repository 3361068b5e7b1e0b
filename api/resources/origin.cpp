#include "api/resources/origin.h"

#include <algorithm>

#include "api/resources/answer.h"
#include "api/resources/client.h"
#include "api/resources/dialects.h"
#include "api/resources/facade.h"
#include "api/ws/handshake.h"
#include "config/network.h"

namespace resources {

namespace {

// "name" of "name:2000", "::1" of "[::1]:2000"; a dot at the end says nothing.
std::string_view without_port(std::string_view host) {
    if (host.starts_with('[')) return host.substr(1, host.find(']') - 1);
    host = host.substr(0, host.rfind(':'));
    return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

// Names beneath localhost are the loopback's by RFC 6761, section 6.3.
bool is_loopback_name(std::string_view name) {
    constexpr std::string_view localhost = "localhost";
    if (name.size() < localhost.size()) return false;
    const auto front = name.substr(0, name.size() - localhost.size());
    return http::same_word(name.substr(front.size()), localhost) &&
           (front.empty() || front.ends_with('.'));
}

bool has(const std::vector<std::string>& list, std::string_view wanted) {
    return std::ranges::any_of(
        list, [&](const auto& entry) { return entry == "*" || http::same_word(entry, wanted); });
}

// "https://example.org:8443" names the host that "example.org:8443" names.
std::string_view host_of(std::string_view origin) {
    const auto scheme = origin.find("://");
    return scheme == origin.npos ? std::string_view{} : origin.substr(scheme + 3);
}

// A page that this engine gave out. Behind a proxy that keeps the page's name to itself only the
// browser knows; a page cannot set that field (Fetch Metadata, section 2.3).
bool is_own_page(const http::Request& request, std::string_view origin) {
    return http::same_word(host_of(origin), request.find_field("Host")) ||
           request.find_field("Sec-Fetch-Site") == "same-origin";
}

bool changes_something(const http::Request& request) {
    for (const std::string_view method : {"GET", "HEAD", "OPTIONS"})
        if (request.method == method) return ws::is_asked_for(request);
    return true;
}

bool is_named(const std::vector<std::string>& origins, std::string_view origin, Reach reach) {
    return has(origins, origin) || (reach == Reach::network && has(origins, "auto"));
}

}  // namespace

Reach reach_of(std::string_view listen) {
    if (listen == "none") return Reach::loopback;
    const auto host = without_port(listen);
    const auto address = config::parse_address(host);
    const bool is_loopback = address ? address->is_loopback() : is_loopback_name(host);
    return is_loopback ? Reach::loopback : Reach::network;
}

bool is_own_name(std::string_view host, const std::vector<std::string>& hosts, Reach reach) {
    const auto name = without_port(host);
    if (reach == Reach::network && hosts.empty()) return true;
    if (is_loopback_name(name) || has(hosts, name)) return true;
    const auto address = config::parse_address(name);
    return address && (reach == Reach::network || address->is_loopback());
}

Origins origins_of(const config::Settings& settings, std::string_view path) {
    if (is_facade(path)) return {settings.facade.cors_origins, "facade.cors_origins"};
    if (is_base64_jobs(settings, path))
        return {settings.dialects.base64_jobs.cors_origins, "dialects.base64_jobs.cors_origins"};
    return {settings.server.cors_origins, "server.cors_origins"};
}

std::optional<http::Response> page_refusal(const config::Settings& settings, Reach reach,
                                           const http::Request& request) {
    const auto host = request.find_field("Host");
    // No browser leaves it out, or reaches a Unix socket.
    if (!host.empty() && !is_socket_client(request) &&
        !is_own_name(host, settings.server.hosts, reach))
        return message(403, "this engine is not called \"" + std::string(host.substr(0, 100)) +
                                "\": it answers to names of the loopback and of server.hosts only");

    const auto origin = request.find_field("Origin");
    if (origin.empty() || !changes_something(request) || is_own_page(request, origin))
        return std::nullopt;
    const auto origins = origins_of(settings, request.target);
    if (is_named(origins.list, origin, reach)) return std::nullopt;
    return message(403, "pages of " + std::string(origin.substr(0, 100)) +
                            " may not do this here (" + std::string(origins.setting) + ")");
}

}  // namespace resources
