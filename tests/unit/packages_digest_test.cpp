#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "isolate/sys/error.h"
#include "packages/digest.h"

using packages::Digest;
using Algorithm = packages::Digest::Algorithm;

namespace {

// Of "abc" (FIPS 180-2).
const std::string sha256_hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const std::string sha512_hex =
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
    "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";
const std::string sha256_base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=";
const std::string sha512_base64 =
    "3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw==";
const std::string sha1_base64 = "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=";

std::string hashed(Algorithm algorithm, const std::string& text) {
    auto hasher = packages::Hasher(algorithm);
    for (const char c : text) hasher.update({&c, 1});
    return to_string(hasher.finish());
}

bool refused(const std::string& text) {
    try {
        packages::parse_digest(text);
        return false;
    } catch (const sys::Error& error) {
        return error.kind() == sys::Kind::invalid;
    }
}

}  // namespace

TEST_CASE("a digest is read in every form in which registries write one") {
    struct Row {
        std::string name, text, expected;
    };
    const Row rows[] = {
        {"bare hex", sha256_hex, "sha256:" + sha256_hex},
        {"named hex", "sha256:" + sha256_hex, "sha256:" + sha256_hex},
        {"upper case", "sha256:BA7816BF" + sha256_hex.substr(8), "sha256:" + sha256_hex},
        {"long", "sha512:" + sha512_hex, "sha512:" + sha512_hex},
        {"integrity", "sha512-" + sha512_base64, "sha512:" + sha512_hex},
        {"the strongest of several, first", "sha512-" + sha512_base64 + " sha1-" + sha1_base64,
         "sha512:" + sha512_hex},
        {"the strongest of several, last", "sha1-" + sha1_base64 + "  sha256-" + sha256_base64,
         "sha256:" + sha256_hex},
        {"the same twice", "sha256-" + sha256_base64 + " sha256-" + sha256_base64,
         "sha256:" + sha256_hex},
        {"Go's", "h1:" + sha256_base64, "h1:" + sha256_base64},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto digest = packages::parse_digest(row.text);
        CHECK(to_string(digest) == row.expected);
        CHECK(packages::parse_digest(to_string(digest)) == digest);
    }
}

TEST_CASE("a digest that is not exactly one is refused") {
    struct Row {
        std::string name, text;
    };
    const Row rows[] = {
        {"empty", ""},
        {"only an algorithm", "sha256:"},
        {"a digit short", sha256_hex.substr(1)},
        {"a digit long", sha256_hex + "0"},
        {"no hex", "g" + sha256_hex.substr(1)},
        {"a blank in front", " " + sha256_hex},
        {"a line break behind", sha256_hex + "\n"},
        {"of another length", "sha512:" + sha256_hex},
        {"broken algorithm", "md5:d41d8cd98f00b204e9800998ecf8427e"},
        {"unknown integrity", "md5-1B2M2Y8AsgTpgAmY7PhCfg=="},
        {"hex for base64", "sha256-" + sha256_hex},
        {"base64 for hex", "sha256:" + sha256_base64},
        {"base64 without padding", "sha256-" + sha256_base64.substr(0, 43)},
        {"base64 with padding within", "sha256-====" + sha256_base64.substr(4)},
        {"base64 with bits behind the end", "sha256-" + sha256_base64.substr(0, 42) + "1="},
        {"integrity with options", "sha256-" + sha256_base64 + "?x"},
        {"integrities that contradict",
         "sha256-" + sha256_base64 + " sha256-" + std::string(43, 'A') + "="},
        {"integrity of Go's kind", "h1-" + sha256_base64},
        {"too long", std::string(5000, ' ') + "sha256-" + sha256_base64},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(refused(row.text));
    }
}

TEST_CASE("base64 comes back as it was, whatever the length") {
    std::string bytes;
    for (int length = 0; length < 70; ++length) {
        CAPTURE(length);
        CHECK(packages::decode_base64(packages::encode_base64(bytes), "it") == bytes);
        bytes += static_cast<char>(length * 37);
    }
    CHECK(packages::encode_base64("foob") == "Zm9vYg==");
}

TEST_CASE("hashing in pieces gives the published digests") {
    CHECK(hashed(Algorithm::sha256, "abc") == "sha256:" + sha256_hex);
    CHECK(hashed(Algorithm::sha512, "abc") == "sha512:" + sha512_hex);
    CHECK(hashed(Algorithm::sha1, "abc") == "sha1:a9993e364706816aba3e25717850c26c9cd0d89d");
    CHECK(hashed(Algorithm::sha384, "").substr(0, 23) == "sha384:38b060a751ac9638");
    CHECK_THROWS_AS(hashed(Algorithm::go_h1, "abc"), sys::Error);
}

TEST_CASE("a file is hashed from its first byte, wherever its offset stands") {
    char path[] = "/tmp/crankcase-digest-XXXXXX";
    const auto file = sys::UniqueFd{::mkostemp(path, O_CLOEXEC)};
    REQUIRE(file);
    ::unlink(path);
    const auto text = std::string(700'000, 'x') + "end";
    REQUIRE(::write(file.get(), text.data(), text.size()) == std::ssize(text));
    CHECK(to_string(digest_of_file(file, Algorithm::sha256)) == hashed(Algorithm::sha256, text));
    CHECK(::lseek(file.get(), 0, SEEK_CUR) == std::ssize(text));
}
