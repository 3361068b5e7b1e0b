// The listening socket.
#pragma once

#include <cstdint>
#include <string>

#include "isolate/sys/fd.h"

namespace http {

// Listens on "host:port" or "[address]:port"; port 0 takes a free one. Waits up to two
// seconds for an address that is in use. The socket does not block; what accepted connections
// inherit (no delay, keep-alive probes) is set. Throws Error{invalid} if the text or the host means
// nothing, Error{broken} if the address cannot be had.
sys::UniqueFd listen_on(const std::string& address);

// The port a socket is bound to (man 2 getsockname).
std::uint16_t port_of(const sys::UniqueFd& socket);

}  // namespace http
