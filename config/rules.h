// What a setting that is text may look like. Pure predicates, private to this folder: each says
// only whether the text has the right form, never whether the thing it names exists.
#pragma once

#include <string_view>

namespace config {

// "host:port": a name, an IPv4 address or an IPv6 address in brackets; port 0 to 65535, where 0
// lets the kernel choose one.
bool is_host_and_port(std::string_view text);

bool is_host_and_port_or_empty(std::string_view text);

bool is_empty(std::string_view text);

// A word that can be part of a file name: a lower-case letter, then letters, digits, '-' and '_';
// at most 32 bytes.
bool is_plain_name(std::string_view text);

// A path from the root in printable characters, without "..".
bool is_absolute_path(std::string_view text);

bool is_absolute_path_or_empty(std::string_view text);

bool is_absolute_path_or_auto(std::string_view text);

// "http://…", "https://…" or "file:///…" in printable characters without blanks.
bool is_address_or_empty(std::string_view text);

// What a key or a token looks like: 24 to 512 letters, digits and signs of base64 and URLs.
bool is_secret_or_empty(std::string_view text);

// "*", or an origin as browsers send it: "https://name" or "http://name:port", without a slash
// behind it.
bool is_origin(std::string_view text);

// As is_host_and_port(), or "none".
bool is_listen(std::string_view text);

// Permission bits of a file in octal: "0660".
bool is_mode(std::string_view text);

bool is_plain_name_or_empty(std::string_view text);

// As is_origin(), or "auto".
bool is_origin_or_auto(std::string_view text);

// A name or an address as in Host, without a port; or "*".
bool is_host_name(std::string_view text);

// What an API key may be called: at most 64 letters, digits, '.', '-', '_' and '@'.
bool is_key_name(std::string_view text);

// The name of a finding: a lower-case letter, then such letters, digits and '-'; at most 64 bytes.
bool is_finding(std::string_view text);

// One of the services in api/dialects.
bool is_dialect(std::string_view text);

// An address or a network (network.h).
bool is_network(std::string_view text);

}  // namespace config
