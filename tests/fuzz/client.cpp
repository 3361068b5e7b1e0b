// Coverage-guided fuzzing of what headers say about a client, for clang's
// -fsanitize=fuzzer,address,undefined: X-Forwarded-For, Authorization, Host, Origin and
// Content-Type. Whatever the bytes, there is a client, no key is guessed, and no short text is a
// page of ours.
#include "api/resources/client.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "api/resources/key_ring.h"
#include "api/resources/origin.h"
#include "api/wire/body.h"
#include "api/wire/syntax_error.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<config::Network> proxies{*config::parse_network("0.0.0.0/0"),
                                                      *config::parse_network("2000::/3")};
    // The same bytes as text; char may alias anything.
    const std::string text(reinterpret_cast<const char*>(data), size);
    http::Request request;
    request.client = "10.0.0.1";
    request.fields = {{"X-Forwarded-For", text}, {"Authorization", text}};
    if (!resources::client_of(request, proxies)) std::abort();
    static const auto ring = [] {
        resources::KeyRing known;
        known.add({.name = "one", .digest = resources::digest_of_key("a key that nobody guesses")});
        return known;
    }();
    if (ring.find(resources::shown_key(request)) != nullptr) std::abort();
    // Nor does anything make a name of the loopback of what is none.
    resources::is_own_name(text, {}, resources::Reach::loopback);
    request.fields.push_back({"Origin", text});
    request.fields.push_back({"Host", "localhost"});
    request.method = "POST";
    const auto refused = resources::page_refusal({}, resources::Reach::loopback, request);
    // The shortest of ours is "x://localhost".
    if (!refused && !text.empty() && text.size() < 12) std::abort();
    wire::is_json(text);
    try {
        wire::check_charset(text);
    } catch (const wire::SyntaxError&) {
        return 0;
    }
    return 0;
}
