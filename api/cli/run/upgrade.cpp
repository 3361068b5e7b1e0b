#include "api/cli/run/upgrade.h"

#include <algorithm>
#include <charconv>

#include "api/cli/failure.h"
#include "api/cli/text.h"
#include "isolate/sys/error.h"
#include "packages/digest.h"

namespace cli {

namespace {

constexpr std::size_t most_head_bytes = 16U << 10U;
constexpr std::string_view end_of_head = "\r\n\r\n";

[[noreturn]] void refuse_url(const std::string& base) {
    throw Failure(ExitCode::usage, printable(base) + " is no http://HOST:PORT");
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The value of a header; empty if there is none.
std::string_view field(std::string_view head, std::string_view name) {
    while (!head.empty()) {
        const auto line = head.substr(0, head.find("\r\n"));
        head.remove_prefix(std::min(line.size() + 2, head.size()));
        const auto colon = line.find(':');
        if (colon == std::string_view::npos) continue;
        if (lower_case(line.substr(0, colon)) == name) return trimmed(line.substr(colon + 1));
    }
    return {};
}

template <typename Number>
Number number_of(std::string_view text) {
    Number number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    return result.ec == std::errc{} ? number : 0;
}

}  // namespace

Endpoint connect_endpoint(const std::string& base) {
    if (auto path = socket_path_of(base); !path.empty())
        return {.host = std::move(path),
                .port = {},
                .authority = "localhost",
                .path = "/api/v2/connect"};
    constexpr std::string_view scheme = "http://";
    if (lower_case(base).starts_with("https://"))
        throw Failure(ExitCode::usage,
                      "--interactive speaks http:// only; a tunnel, such as ssh -L, brings an "
                      "https:// engine near");
    if (!lower_case(base).starts_with(scheme)) refuse_url(base);
    const auto rest = base.substr(scheme.size());
    const auto slash = std::min(rest.find('/'), rest.size());
    Endpoint endpoint{.host = {},
                      .port = "80",
                      .authority = rest.substr(0, slash),
                      .path = rest.substr(slash) + "/api/v2/connect"};
    const auto& authority = endpoint.authority;
    if (authority.empty() || authority.find_first_of("@ \r\n\t") != std::string::npos)
        refuse_url(base);
    const bool bracketed = authority.front() == '[';
    const auto end =
        bracketed ? authority.find(']') : std::min(authority.rfind(':'), authority.size());
    if (end == std::string::npos) refuse_url(base);
    endpoint.host = bracketed ? authority.substr(1, end - 1) : authority.substr(0, end);
    const auto behind = authority.substr(bracketed ? end + 1 : end);
    if (!behind.empty()) endpoint.port = behind.substr(1);
    const bool is_port = !endpoint.port.empty() &&
                         endpoint.port.find_first_not_of("0123456789") == std::string::npos;
    if (endpoint.host.empty() || (!behind.empty() && behind.front() != ':') || !is_port)
        refuse_url(base);
    return endpoint;
}

std::string upgrade_request(const Endpoint& endpoint, const std::string& key,
                            const std::string& token) {
    auto text = "GET " + endpoint.path + " HTTP/1.1\r\nHost: " + endpoint.authority +
                "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
                "Sec-WebSocket-Key: " + key + "\r\nUser-Agent: crankcase\r\n";
    if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
    return text + "\r\n";
}

std::string accept_of(const std::string& key) {
    packages::Hasher hasher{packages::Digest::Algorithm::sha1};
    hasher.update(key);
    hasher.update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");  // RFC 6455, section 1.3
    return packages::encode_base64(hasher.finish().bytes);
}

std::optional<UpgradeAnswer> read_upgrade(std::string_view text, const std::string& accept) {
    const auto end = text.substr(0, most_head_bytes).find(end_of_head);
    if (end == std::string_view::npos) {
        if (text.size() < most_head_bytes) return std::nullopt;
        throw sys::Error(sys::Kind::broken, "the engine's answer begins with more than 16 KiB");
    }
    const auto head = text.substr(0, end);
    constexpr std::size_t before_status = 9;  // "HTTP/1.1 "
    if (!head.starts_with("HTTP/1.") || head.size() < before_status + 3)
        throw sys::Error(sys::Kind::broken, "what answers there speaks no HTTP");
    const auto fields = head.substr(std::min(head.find("\r\n"), head.size()));
    UpgradeAnswer answer{.status = number_of<long>(head.substr(before_status, 3)),
                         .body_bytes = number_of<std::size_t>(field(fields, "content-length")),
                         .head_bytes = end + end_of_head.size()};
    answer.upgraded = answer.status == 101 && field(fields, "sec-websocket-accept") == accept &&
                      lower_case(field(fields, "upgrade")) == "websocket";
    return answer;
}

}  // namespace cli
