// The beginning of a WebSocket (RFC 6455, section 4) from the client's side: what is asked, and
// whether what is answered is it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/cli/rest.h"

namespace cli {

// Where a WebSocket is opened.
struct Endpoint {
    std::string host;  // without the brackets of an IPv6 address; or the path of a Unix socket
    std::string port;
    std::string authority;  // as it is written in "Host"
    std::string path;

    bool operator==(const Endpoint&) const = default;
};

// Of a base_url(). Throws Failure{usage} for https, which this client does not speak, and for what
// is no host and port.
Endpoint connect_endpoint(const std::string& base);

// `key`: 16 random bytes in base64. The token, if any, goes as "Authorization: Bearer …".
std::string upgrade_request(const Endpoint& endpoint, const std::string& key,
                            const std::string& token);

// What the server has to answer to that key.
std::string accept_of(const std::string& key);

struct UpgradeAnswer {
    long status = 0;
    bool upgraded = false;       // to a WebSocket, with the accept that was wanted
    std::size_t body_bytes = 0;  // announced; 0 if nothing was
    std::size_t head_bytes = 0;  // of the text, with its empty line

    bool operator==(const UpgradeAnswer&) const = default;
};

// Empty as long as the head is not complete. Throws sys::Error{broken} for what is no HTTP/1.1, or
// more than 16 KiB of head.
std::optional<UpgradeAnswer> read_upgrade(std::string_view text, const std::string& accept);

}  // namespace cli
