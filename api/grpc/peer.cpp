#include "api/grpc/peer.h"

namespace rpc {

namespace {

// Up to the bracket that closes, in either way of writing.
std::string in_brackets(std::string_view text) {
    for (const auto& [open, close] : {std::pair{"[", "]"}, std::pair{"%5B", "%5D"}}) {
        const auto end = text.find(close);
        if (!text.starts_with(open) || end == text.npos) continue;
        const auto begin = std::string_view{open}.size();
        const auto address = text.substr(begin, end - begin);
        // A zone says by which interface, not who.
        return std::string{address.substr(0, address.find('%'))};
    }
    return {};
}

}  // namespace

std::string address_of(std::string_view peer) {
    constexpr std::string_view v4 = "ipv4:";
    constexpr std::string_view v6 = "ipv6:";
    if (peer.starts_with(v6)) return in_brackets(peer.substr(v6.size()));
    if (!peer.starts_with(v4)) return {};
    peer.remove_prefix(v4.size());
    return std::string{peer.substr(0, peer.rfind(':'))};
}

http::Request request_of(std::string_view peer, const Metadata& metadata) {
    http::Request request;
    request.client = address_of(peer);
    for (const std::string_view name : {"authorization", "x-forwarded-for", "x-request-id"}) {
        auto value = metadata(name);
        if (!value.empty()) request.fields.push_back({std::string{name}, std::move(value)});
    }
    return request;
}

}  // namespace rpc
