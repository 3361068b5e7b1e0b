// Who calls, in the words of HTTP: keys, proxies and turns are then looked after by what does so
// for requests (resources/caller.h). Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "api/http/message.h"

namespace rpc {

// The address in gRPC's name for a client, without port: "127.0.0.1" of "ipv4:127.0.0.1:5000",
// "::1" of "ipv6:[::1]:5000", whose brackets may be %5B and %5D. Empty for anything else.
std::string address_of(std::string_view peer);

// Gives a metadata field's value by its name in lower case; empty if there is none.
using Metadata = std::function<std::string(std::string_view name)>;

// A request without path and body: the client, its key, the proxies it came by, its id.
http::Request request_of(std::string_view peer, const Metadata& metadata);

}  // namespace rpc
