// The keys that are known here, from whatever setting, and who of them a request shows. One look-up
// for all: a key is compared by its SHA-256 with every known one, in a time that depends on their
// number only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"
#include "config/keys.h"

namespace resources {

// What Authorization shows, alone or behind "Bearer"; empty if there is none. What a proxy asked
// for on its own account ("Basic", "Digest") is no key.
std::string_view shown_key(const http::Request& request);

config::KeyDigest digest_of_key(std::string_view text);

class KeyRing {
public:
    // Of two with one digest the first stays, and has the scopes of both.
    void add(config::Key key);

    // Null if nobody has that key. The result lives as long as the ring.
    const config::Key* find(std::string_view text) const;

    bool empty() const { return keys_.empty(); }

private:
    std::vector<config::Key> keys_;
};

}  // namespace resources
