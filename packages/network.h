// Where downloads may come from: addresses as text, and addresses as the network has them.
//
// Pure decisions. A URL is read by the same parser that connects (libcurl's), so that no second
// opinion about what its host is can be exploited.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace packages {

struct FetchPolicy {
    std::vector<std::string> schemes = {"https", "http"};  // of those and "file"
    // May connect to loopback, private, link-local and other addresses that are not of the public
    // Internet. Proxies of the environment are used only then, because nobody knows what a proxy
    // connects to.
    bool allow_private_addresses = false;
    std::vector<std::string> allowed_hosts;      // exact names; empty: any
    int redirects = 5;                           // each of them is checked like the first address
    int retries = 2;                             // after failures that may pass
    std::chrono::milliseconds retry_pause{500};  // before the first of them, doubled each time
    std::chrono::milliseconds connect_timeout{15'000};
    std::chrono::milliseconds stall_timeout{30'000};     // without a byte
    std::uint64_t least_rate = 0;                        // bytes a second, of each window; 0: any
    std::chrono::milliseconds rate_window{30'000};       // from the first byte on
    std::chrono::milliseconds total_timeout{3'600'000};  // of one attempt
    std::string user_agent = "crankcase";
};

// The address without what must not be logged: user, password, query and fragment.
std::string shown_url(std::string_view url);

// The path of a file: URL of this machine, decoded; empty if the text is anything else.
std::optional<std::string> path_of_file_url(const std::string& url);

// Why the policy forbids the address, as the rest of a sentence; empty if it does not. `from` is
// the address that redirects there, empty for the first one.
std::string objection_to(const std::string& url, const std::string& from,
                         const FetchPolicy& policy);

// False for loopback, private, link-local, shared, multicast, documentation and reserved addresses,
// also where an IPv6 address stands for an IPv4 one; false for anything but IPv4 and IPv6.
bool is_public_address(const sockaddr& address, socklen_t length);

}  // namespace packages
