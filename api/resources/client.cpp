#include "api/resources/client.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace resources {

namespace {

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// An address as proxies write it: alone, in brackets, or either with a port.
std::optional<config::Address> parse_hop(std::string_view text) {
    text = trimmed(text);
    if (text.starts_with('[')) return config::parse_address(text.substr(1, text.find(']') - 1));
    // One colon stands before a port; an IPv6 address has more.
    const auto colon = text.find(':');
    if (colon != text.npos && colon == text.rfind(':')) text = text.substr(0, colon);
    return config::parse_address(text);
}

}  // namespace

std::optional<config::Address> client_of(const http::Request& request,
                                         const std::vector<config::Network>& proxies) {
    auto client = config::parse_address(request.client);
    const auto is_proxy = [&](const config::Address& address) {
        return std::ranges::any_of(proxies,
                                   [&](const auto& network) { return network.contains(address); });
    };
    // Several fields of one name are one list (RFC 9110, section 5.3).
    std::string list;
    for (const auto& field : request.fields) {
        if (!http::same_word(field.name, "X-Forwarded-For")) continue;
        list.append(list.empty() ? "" : ",").append(field.value);
    }
    auto hops = std::string_view(list);
    while (client && is_proxy(*client) && !hops.empty()) {
        const auto comma = hops.rfind(',');
        const auto hop = parse_hop(comma == hops.npos ? hops : hops.substr(comma + 1));
        if (!hop) break;
        client = hop;
        hops = comma == hops.npos ? std::string_view{} : hops.substr(0, comma);
    }
    return client;
}

bool is_socket_client(const http::Request& request) {
    return request.client.starts_with(http::socket_client);
}

std::optional<std::uint32_t> socket_user(const http::Request& request) {
    if (!is_socket_client(request)) return std::nullopt;
    std::uint32_t user = 0;
    const auto* const last = request.client.data() + request.client.size();
    const auto [end, error] =
        std::from_chars(request.client.data() + http::socket_client.size(), last, user);
    if (error != std::errc{} || end != last) return std::nullopt;
    return user;
}

bool is_local(const http::Request& request, const std::vector<config::Network>& proxies) {
    if (!request.find_field("Origin").empty()) return false;
    const auto client = client_of(request, proxies);
    const auto connected = config::parse_address(request.client);
    if (client == connected && !request.find_field("X-Forwarded-For").empty()) return false;
    return client ? client->is_loopback() : is_socket_client(request);
}

std::string client_text(const http::Request& request, const std::vector<config::Network>& proxies) {
    const auto client = client_of(request, proxies);
    if (!client || client == config::parse_address(request.client)) return request.client;
    char text[INET6_ADDRSTRLEN];
    constexpr std::size_t v4_place = 12;
    const bool is_v4 = client->is_v4();
    const auto* const bytes = client->bytes.data() + (is_v4 ? v4_place : 0);
    return ::inet_ntop(is_v4 ? AF_INET : AF_INET6, bytes, text, sizeof text) ? text : "";
}

}  // namespace resources
