// Who a request comes from: the address that counts as the client's, or the user of this machine.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"
#include "config/network.h"

namespace resources {

// The address of whoever is connected; if that is one of the proxies, the last address in
// X-Forwarded-For that is not. What stands before that one may be invented. A hop that is no
// address ends the search: then the proxy that named it is the client. Empty only if the connected
// address itself is none.
std::optional<config::Address> client_of(const http::Request& request,
                                         const std::vector<config::Network>& proxies);

// Whether whoever asks is on this machine. A page's requests are not: they come from it because the
// page's reader does. Whom a proxy that nobody named speaks for is not known.
bool is_local(const http::Request& request, const std::vector<config::Network>& proxies);

// Who it is as text, for the record: that address, or "uid:1000".
std::string client_text(const http::Request& request, const std::vector<config::Network>& proxies);

// Whether the request came over a Unix socket and names no address; and the user behind it, as the
// kernel tells it (man 7 unix, SO_PEERCRED).
bool is_socket_client(const http::Request& request);
std::optional<std::uint32_t> socket_user(const http::Request& request);

}  // namespace resources
