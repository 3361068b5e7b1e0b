// Takes gzip or deflate off a request body. Bounded: a small body that would grow beyond the limit
// is given up as soon as it has, whatever it claims about itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/http/head.h"

namespace http {

enum class Inflation { complete, malformed, too_large };

// Replaces `to` with the plain bytes. `coding` is gzip (also several members, RFC 1952) or deflate,
// which in HTTP means zlib's format (RFC 9110, section 8.4.1.2).
Inflation inflate(Coding coding, std::string_view from, std::uint64_t limit, std::string& to);

}  // namespace http
