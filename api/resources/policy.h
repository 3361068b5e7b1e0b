// What a reload can change for requests: the settings of the moment and what is read because of
// them, as one immutable value that is replaced whole. A handler takes it once and keeps it to its
// end, so that no request sees half of a change.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/resources/key_ring.h"
#include "api/resources/origin.h"
#include "config/network.h"
#include "config/settings.h"

namespace resources {

struct Policy {
    config::Settings settings;
    KeyRing keys;                          // of keys.file, facade.keys_file and packages.token
    KeyRing readers;                       // metrics.token
    Reach reach = Reach::loopback;         // of server.listen
    std::vector<config::Network> proxies;  // of server.trusted_proxies
};

// Reads the files of keys. Throws sys::Error naming file and line if one cannot be used.
std::shared_ptr<const Policy> make_policy(const config::Settings& settings);

// The keys in a file's text: one a line, '#' begins a comment. Throws sys::Error{invalid} for a
// line that is no key, naming its number and not its text.
std::vector<std::string> parse_keys(std::string_view text);

// The policy in force. From any thread.
class Standing {
public:
    explicit Standing(std::shared_ptr<const Policy> policy) : policy_(std::move(policy)) {}

    std::shared_ptr<const Policy> get() const;
    void replace(std::shared_ptr<const Policy> policy);

private:
    // A mutex, for std::atomic<std::shared_ptr> of g++ 12 races with itself.
    mutable std::mutex mutex_;
    std::shared_ptr<const Policy> policy_;
};

}  // namespace resources
