// Coverage-guided fuzzing of what headers say about a client, for clang's
// -fsanitize=fuzzer,address,undefined: X-Forwarded-For, Authorization and Content-Type. Whatever
// the bytes, there is a client, and no key is guessed.
#include "api/resources/client.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

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
    if (resources::shows_key(request, {text + "x"})) std::abort();
    wire::is_json(text);
    try {
        wire::check_charset(text);
    } catch (const wire::SyntaxError&) {
        return 0;
    }
    return 0;
}
