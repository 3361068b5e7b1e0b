#include <doctest/doctest.h>

#include <string>
#include <variant>
#include <vector>

#include "api/ws/handshake.h"

namespace {

http::Request request() {
    return {.method = "GET",
            .target = "/api/v2/connect",
            .fields = {{"Host", "example.org:2000"},
                       {"Upgrade", "websocket"},
                       {"Connection", "keep-alive, Upgrade"},
                       {"Sec-WebSocket-Version", "13"},
                       {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}}};
}

http::Request with(const std::string& name, const std::string& value) {
    auto changed = request();
    for (auto& field : changed.fields) {
        if (field.name == name) {
            field.value = value;
            return changed;
        }
    }
    changed.fields.push_back({name, value});
    return changed;
}

int status_of(const http::Request& asked) {
    const auto opened = ws::shake_hands(asked);
    const auto* refusal = std::get_if<http::Response>(&opened);
    return refusal ? refusal->status : 101;
}

}  // namespace

TEST_CASE("the handshake of the RFC's example gets the RFC's answer") {
    const auto opened = ws::shake_hands(request());
    REQUIRE(std::holds_alternative<std::string>(opened));
    CHECK(std::get<std::string>(opened) ==
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}

TEST_CASE("what is no handshake is refused with the status that says why") {
    struct Row {
        std::string name, field, value;
        int status;
    };
    const Row rows[] = {
        {"as browsers send it", "Upgrade", "WebSocket", 101},
        {"no upgrade of the connection", "Connection", "keep-alive", 400},
        {"an old version", "Sec-WebSocket-Version", "8", 426},
        {"a short key", "Sec-WebSocket-Key", "dGhlIHNhbXBsZQ==", 400},
        {"a key of other characters", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZ!==", 400},
        {"no key", "Sec-WebSocket-Key", "", 400},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(status_of(with(row.field, row.value)) == row.status);
    }
    auto old = request();
    old.minor_version = 0;
    CHECK(status_of(old) == 400);
}

TEST_CASE("only a GET that names the protocol asks for a WebSocket") {
    CHECK(ws::is_asked_for(request()));
    CHECK_FALSE(ws::is_asked_for(with("Upgrade", "h2c")));
    auto post = request();
    post.method = "POST";
    CHECK_FALSE(ws::is_asked_for(post));
}
