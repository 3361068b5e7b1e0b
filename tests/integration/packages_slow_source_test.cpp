// A source that never stands still and never comes to an end either.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#include "isolate/sys/error.h"
#include "packages/fetch.h"
#include "tests/support/lying_server.h"

using packages::FetchPolicy;
using support::LyingServer;
using namespace std::chrono_literals;

namespace {

// Sends as many bytes as its target says, some 20 a millisecond.
void drip(const LyingServer::Request& request, LyingServer::Line& line) {
    const auto size = request.target.substr(1);
    if (!line.send("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n")) return;
    for (auto left = std::stoul(size); left > 0; left -= 100) {
        if (!line.send(std::string(100, 'x'))) return;
        std::this_thread::sleep_for(5ms);
    }
}

std::string fetch(const LyingServer& server, const std::string& size, std::uint64_t least_rate,
                  std::chrono::milliseconds window) {
    const FetchPolicy policy{.schemes = {"http"},
                             .allow_private_addresses = true,
                             .retry_pause = 1ms,
                             .least_rate = least_rate,
                             .rate_window = window};
    return packages::fetch_text(server.url("/" + size), policy, 1 << 30, {});
}

}  // namespace

TEST_CASE("a source that drips is given up, with the setting that says when") {
    LyingServer server{drip};
    CHECK_THROWS_WITH_AS(
        fetch(server, "100000000", 50'000'000, 200ms),
        doctest::Contains(
            "came slower than 50000000 bytes a second for 0.2 s (packages.least_rate)"),
        sys::Error);
    // As trouble that may pass it was tried again.
    CHECK(server.requests().size() == 3);
}

TEST_CASE("a source that is slow, but not too slow, is waited for") {
    LyingServer server{drip};
    CHECK(fetch(server, "50000", 1, 1500ms).size() == 50'000);  // more than one window
    CHECK(fetch(server, "5000", 0, 1ms).size() == 5'000);       // no rate is asked for
    CHECK(server.requests().size() == 2);
}
