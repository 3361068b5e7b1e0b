#include "api/ws/handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace ws {

namespace {

constexpr std::size_t key_length = 24;  // of 16 bytes in base64
constexpr std::string_view magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

std::string_view trimmed(std::string_view text) {
    const auto first = std::min(text.find_first_not_of(" \t"), text.size());
    text.remove_prefix(first);
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Whether a comma-separated field has the word, in any case. A client may send several fields.
bool has_word(const http::Request& request, std::string_view name, std::string_view word) {
    for (const auto& field : request.fields) {
        if (!http::same_word(field.name, name)) continue;
        auto list = std::string_view{field.value};
        while (!list.empty()) {
            const auto comma = std::min(list.find(','), list.size());
            if (http::same_word(trimmed(list.substr(0, comma)), word)) return true;
            list.remove_prefix(std::min(comma + 1, list.size()));
        }
    }
    return false;
}

bool is_key(std::string_view key) {
    const auto plain = [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '+' || c == '/';
    };
    return key.size() == key_length && key.ends_with("==") &&
           std::ranges::all_of(key.substr(0, key_length - 2), plain);
}

// base64(SHA-1(key + magic)): proof that this server speaks the protocol, and nothing else.
std::string accept_of(std::string_view key) {
    auto text = std::string{key}.append(magic);
    auto digest = std::array<unsigned char, EVP_MAX_MD_SIZE>{};
    unsigned length = 0;
    ::EVP_Digest(text.data(), text.size(), digest.data(), &length, ::EVP_sha1(), nullptr);
    auto base64 = std::array<unsigned char, 2 * EVP_MAX_MD_SIZE>{};
    const auto written = ::EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(length));
    return {base64.begin(), base64.begin() + written};
}

http::Response refusal(int status, std::string_view why) {
    auto response = http::problem(status, why);
    if (status == 426) {
        response.fields.push_back({"Sec-WebSocket-Version", "13"});
        response.fields.push_back({"Upgrade", "websocket"});
    }
    return response;
}

}  // namespace

bool is_asked_for(const http::Request& request) {
    return request.method == "GET" && has_word(request, "Upgrade", "websocket");
}

std::variant<std::string, http::Response> shake_hands(const http::Request& request) {
    const auto key = request.find_field("Sec-WebSocket-Key");
    if (request.minor_version < 1 || !has_word(request, "Connection", "Upgrade"))
        return refusal(400, "a WebSocket begins with HTTP/1.1 and Connection: Upgrade");
    if (request.find_field("Sec-WebSocket-Version") != "13")
        return refusal(426, "the version of the WebSocket protocol is 13");
    if (!is_key(key)) return refusal(400, "Sec-WebSocket-Key is not 16 bytes in base64");
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           accept_of(key) + "\r\n\r\n";
}

}  // namespace ws
