#include "packages/network.h"

#include <curl/curl.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>

namespace packages {

namespace {

constexpr std::size_t max_url_length = 4096;

struct V4Range {
    std::uint32_t first;
    int bits;
};

// IANA's special-purpose registry, without what is globally reachable.
constexpr V4Range special_v4[] = {
    {0x00000000, 8},   // this host
    {0x0a000000, 8},   // private
    {0x64400000, 10},  // shared, behind a carrier's NAT
    {0x7f000000, 8},   // loopback
    {0xa9fe0000, 16},  // link-local: cloud metadata
    {0xac100000, 12},  // private
    {0xc0000000, 24},  // protocol assignments
    {0xc0000200, 24},  // documentation
    {0xc0586300, 24},  // 6to4 relays
    {0xc0a80000, 16},  // private
    {0xc6120000, 15},  // benchmarks
    {0xc6336400, 24},  // documentation
    {0xcb007100, 24},  // documentation
    {0xe0000000, 3},   // multicast, reserved, broadcast
};

using V6 = std::array<std::uint8_t, 16>;

bool begins_with(const V6& address, std::initializer_list<std::uint8_t> prefix) {
    return std::equal(prefix.begin(), prefix.end(), address.begin());
}

bool is_public_v4(std::uint32_t address) {
    return std::ranges::none_of(special_v4, [&](const V4Range& range) {
        return (address ^ range.first) >> (32 - range.bits) == 0;
    });
}

std::uint32_t v4_at(const V6& address, std::size_t offset) {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | address[offset + i];
    return value;
}

bool is_public_v6(const V6& address) {
    if (begins_with(address, {0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0}))  // NAT64
        return is_public_v4(v4_at(address, 12));
    if (begins_with(address, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}))  // mapped
        return is_public_v4(v4_at(address, 12));
    if (begins_with(address, {0x20, 0x02})) return is_public_v4(v4_at(address, 2));  // 6to4
    // 2001::/23 is for protocols (Teredo among them), 2001:db8::/32 and 3fff::/20 are
    // documentation.
    if (begins_with(address, {0x20, 0x01}) && address[2] < 2) return false;
    if (begins_with(address, {0x20, 0x01, 0x0d, 0xb8})) return false;
    if (begins_with(address, {0x3f, 0xff}) && address[2] < 0x10) return false;
    return (address[0] & 0xe0) == 0x20;  // 2000::/3 is all the public space there is
}

struct FreeUrl {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using ParsedUrl = std::unique_ptr<CURLU, FreeUrl>;

ParsedUrl parse(const std::string& text) {
    const bool plain = text.size() <= max_url_length && std::ranges::all_of(text, [](char c) {
                           return c > ' ' && c <= '~' && c != '\\';
                       });
    auto url = ParsedUrl{curl_url()};
    if (!plain || !url || curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK)
        return {};
    return url;
}

std::string part_of(const ParsedUrl& url, CURLUPart part, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url.get(), part, &text, flags) != CURLUE_OK || !text) return {};
    auto result = std::string{text};
    curl_free(text);
    return result;
}

std::string lower(std::string text) {
    for (auto& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    while (text.ends_with('.')) text.pop_back();
    return text;
}

template <typename Texts>
bool contains(const Texts& texts, const std::string& wanted) {
    return std::ranges::any_of(texts,
                               [&](const std::string& text) { return lower(text) == wanted; });
}

}  // namespace

std::string shown_url(std::string_view url) {
    auto text = std::string{url.substr(0, url.find_first_of("?#"))};
    // Everything up to the last '@' of what could be the authority.
    if (const auto slashes = text.find("//"); slashes != std::string::npos) {
        const auto begin = slashes + 2;
        const auto end = text.find('/', begin);
        const auto at = text.rfind('@', end);
        if (at != std::string::npos && at >= begin) text.erase(begin, at + 1 - begin);
    }
    for (auto& c : text) {
        if (c < ' ' || c > '~') c = '?';
    }
    return text.substr(0, 300);
}

std::optional<std::string> path_of_file_url(const std::string& url) {
    const auto parsed = parse(url);
    if (!parsed || lower(part_of(parsed, CURLUPART_SCHEME)) != "file") return {};
    // The parser refuses a host in it that is not this one.
    auto path = part_of(parsed, CURLUPART_PATH, CURLU_URLDECODE);
    if (!path.starts_with('/')) return {};
    return path;
}

std::string objection_to(const std::string& url, const std::string& from,
                         const FetchPolicy& policy) {
    const auto parsed = parse(url);
    if (!parsed) return "is no address that can be fetched";
    const auto scheme = lower(part_of(parsed, CURLUPART_SCHEME));
    const bool known = scheme == "https" || scheme == "http" || scheme == "file";
    if (!known || !contains(policy.schemes, scheme))
        return "is of the scheme \"" + scheme + "\", which is not allowed";
    if (scheme == "file") return from.empty() ? "" : "is a file, and nobody may redirect there";
    const auto previous = from.empty() ? ParsedUrl{} : parse(from);
    if (scheme == "http" && previous && lower(part_of(previous, CURLUPART_SCHEME)) == "https")
        return "is not encrypted, while the address that redirects there is";
    const auto host = lower(part_of(parsed, CURLUPART_HOST));
    if (!policy.allowed_hosts.empty() && !contains(policy.allowed_hosts, host))
        return "is of the host " + host + ", which is not among those allowed";
    return {};
}

bool is_public_address(const sockaddr& address, socklen_t length) {
    if (address.sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
        sockaddr_in v4;
        std::memcpy(&v4, &address, sizeof v4);
        return is_public_v4(ntohl(v4.sin_addr.s_addr));
    }
    if (address.sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
        sockaddr_in6 v6;
        std::memcpy(&v6, &address, sizeof v6);
        V6 bytes;
        std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
        return is_public_v6(bytes);
    }
    return false;
}

}  // namespace packages
