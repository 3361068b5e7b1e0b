// Which web pages may have something done here: what browsers say about a request, before anybody
// handles it. Programs say nothing of the kind, and nothing changes for them.
//
// Two dangers, both of an engine that serves its own machine and a browser on it. A foreign page
// may send requests, though not read the answers: Origin tells. A page may have its own name lead
// to the loopback (DNS rebinding), and then everything here is its own: Host tells.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"
#include "config/settings.h"

namespace resources {

// Whom an engine serves that listens there.
enum class Reach { loopback, network };

// Of server.listen: "127.0.0.1:2000", "[::1]:2000" and "localhost:2000" are the loopback. Pure.
Reach reach_of(std::string_view listen);

// Whether `host`, a Host without a request around it, is a name of this engine: on the loopback one
// of the loopback's or of `hosts`; elsewhere any, or if there are `hosts` one of those or an
// address. Pure.
bool is_own_name(std::string_view host, const std::vector<std::string>& hosts, Reach reach);

// Web pages whose scripts may use a path, and the setting that says so.
struct Origins {
    const std::vector<std::string>& list;
    std::string_view setting;
};

// Those of the public Piston's paths, of a dialect's, or of the server. The list is a part of the
// settings. Pure.
Origins origins_of(const config::Settings& settings, std::string_view path);

// Why a browser's request is not handled, as an answer with 403; empty if it is. Requests without
// Origin or with one of this engine's, and all that change nothing (GET, HEAD, OPTIONS, but for
// WebSockets), are; else the settings must name the page. Pure.
std::optional<http::Response> page_refusal(const config::Settings& settings, Reach reach,
                                           const http::Request& request);

}  // namespace resources
