// Who a request comes from: the address that counts as the client's, and the key it shows. Pure.
#pragma once

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

// True if Authorization is one of the keys, alone or behind "Bearer".
bool shows_key(const http::Request& request, const std::vector<std::string>& keys);

// Compares in a time that depends on the lengths only.
bool same_secret(std::string_view left, std::string_view right);

}  // namespace resources
