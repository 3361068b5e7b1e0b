#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>

#include <string>

#include "isolate/sys/error.h"
#include "packages/network.h"

using packages::FetchPolicy;

namespace {

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

bool is_public(const std::string& text) {
    sockaddr_in v4 = {};
    sockaddr_in6 v6 = {};
    v4.sin_family = AF_INET;
    v6.sin6_family = AF_INET6;
    // The socket calls' way of one type for all families (man 7 ip).
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1)
        return packages::is_public_address(reinterpret_cast<sockaddr&>(v4), sizeof v4);
    REQUIRE(::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1);
    return packages::is_public_address(reinterpret_cast<sockaddr&>(v6), sizeof v6);
}

}  // namespace

TEST_CASE("addresses that are not of the public Internet are known, in every dress") {
    for (const std::string text :
         {"0.0.0.0",         "10.1.2.3",        "100.64.0.1",   "127.8.8.8",     "169.254.169.254",
          "172.16.0.1",      "172.31.255.255",  "192.0.2.1",    "192.168.1.1",   "198.18.0.1",
          "224.0.0.1",       "255.255.255.255", "::",           "::1",           "::127.0.0.1",
          "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "fc00::1",       "fd12::1",
          "fe80::1",         "fec0::1",         "ff02::1",      "2002:7f00:1::", "2001::1",
          "2001:db8::1",     "3fff::1",         "100::1"}) {
        CAPTURE(text);
        CHECK_FALSE(is_public(text));
    }
    for (const std::string text :
         {"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1",
          "172.32.0.0", "192.167.0.1", "198.20.0.0", "223.255.255.255", "2606:4700::1111",
          "2001:4860:4860::8888", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::"}) {
        CAPTURE(text);
        CHECK(is_public(text));
    }
    auto local = sockaddr{};
    local.sa_family = AF_UNIX;
    CHECK_FALSE(packages::is_public_address(local, sizeof local));
}

TEST_CASE("an address is held against the policy by what its host really is") {
    struct Row {
        std::string name, url, why;
    };
    const Row rows[] = {
        {"other scheme", "gopher://127.0.0.1/", "scheme"},
        {"not encrypted", "http://127.0.0.1/", "scheme"},
        {"a file", "file:///etc/passwd", "scheme"},
        {"no scheme", "/etc/passwd", "no address"},
        {"blank", "https://a.example/x y", "no address"},
        {"line break", "https://a.example/x\r\nX: y", "no address"},
        {"backslash", "https://a.example\\@b.example/", "no address"},
        {"other host", "https://b.example/", "host b.example"},
        {"host as a user", "https://a.example@b.example/", "host b.example"},
        {"host as a beginning", "https://a.example.b.example/", "host a.example.b.example"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto policy = FetchPolicy{.schemes = {"https"}, .allowed_hosts = {"a.example"}};
        CHECK(contains(packages::objection_to(row.url, "", policy), row.why));
    }
    const auto policy = FetchPolicy{.allowed_hosts = {"a.example"}};
    CHECK(packages::objection_to("https://A.Example.:443/x", "", policy).empty());
    CHECK(packages::objection_to("http://a.example/x", "http://a.example/y", policy).empty());
    CHECK(contains(packages::objection_to("http://a.example/x", "https://a.example/", policy),
                   "not encrypted"));
}

TEST_CASE("an address is shown without its secrets") {
    CHECK(packages::shown_url("https://u:p@h.example:1/a?token=1#f") == "https://h.example:1/a");
    CHECK(packages::shown_url("https://u:p@x@h.example/a@b") == "https://h.example/a@b");
}

TEST_CASE("a file: address is one of this machine, decoded") {
    CHECK(packages::path_of_file_url("file:///srv/a%20b") == "/srv/a b");
    CHECK_FALSE(packages::path_of_file_url("https://a.example/x"));
    CHECK_FALSE(packages::path_of_file_url("file://a.example/x"));
}
