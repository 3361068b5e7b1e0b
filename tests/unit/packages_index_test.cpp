#include <doctest/doctest.h>
#include <openssl/evp.h>

#include <memory>
#include <random>
#include <string>

#include "isolate/sys/error.h"
#include "packages/index.h"

using packages::parse_index;

namespace {

const std::string sum(64, 'a');
const std::string address = "https://packages.example/python-3.12.0.pkg.tar.gz";

bool refused(const std::string& index, const std::string& signature, const std::string& key) {
    try {
        packages::verify_signature(index, signature, key);
        return false;
    } catch (const sys::Error& error) {
        return error.kind() == sys::Kind::invalid;
    }
}

const unsigned char* raw(const std::string& text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

// What an operator does with openssl pkeyutl, with a key that is always the same.
struct Signer {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{
        EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw(std::string(32, 'k')), 32),
        &EVP_PKEY_free};

    std::string public_key() const {
        auto bytes = std::string(32, '\0');
        auto length = bytes.size();
        EVP_PKEY_get_raw_public_key(key.get(), reinterpret_cast<unsigned char*>(bytes.data()),
                                    &length);
        return packages::encode_base64(bytes);
    }
    std::string sign(const std::string& text) const {
        auto bytes = std::string(64, '\0');
        auto length = bytes.size();
        auto* context = EVP_MD_CTX_new();
        EVP_DigestSignInit(context, nullptr, nullptr, nullptr, key.get());
        EVP_DigestSign(context, reinterpret_cast<unsigned char*>(bytes.data()), &length, raw(text),
                       text.size());
        EVP_MD_CTX_free(context);
        return packages::encode_base64(bytes);
    }
};

}  // namespace

TEST_CASE("an index is read in the order of its lines, empty ones ignored") {
    const auto index =
        parse_index("\npython,3.12.0," + sum + "," + address + "\n\nMATL,22.7.4," + sum +
                    ",file:///srv/matl.tar.gz\nc++,1.0.0-rc.1," + sum + ",http://127.0.0.1:8000/x");
    CHECK(index.problems.empty());
    REQUIRE(index.entries.size() == 3);
    CHECK(index.entries[0].package == "python");
    CHECK(index.entries[0].version == "3.12.0");
    CHECK(index.entries[0].url == address);
    CHECK(to_string(index.entries[0].digest) == "sha256:" + sum);
    CHECK(index.entries[2].version == "1.0.0-rc.1");
    CHECK(parse_index("") == packages::Index{});
}

TEST_CASE("a line that breaks the grammar is reported with its number and hides no other") {
    struct Row {
        std::string name, line;
    };
    const Row rows[] = {
        {"two fields", "python,3.12.0"},
        {"empty name", ",3.12.0," + sum + "," + address},
        {"parent directory", "../etc,3.12.0," + sum + "," + address},
        {"dot in front", ".python,3.12.0," + sum + "," + address},
        {"dash in front", "-rf,3.12.0," + sum + "," + address},
        {"slash", "a/b,3.12.0," + sum + "," + address},
        {"blank", "a b,3.12.0," + sum + "," + address},
        {"command", "$(id),3.12.0," + sum + "," + address},
        {"NUL", std::string{"a\0b", 3} + ",3.12.0," + sum + "," + address},
        {"name of 65", std::string(65, 'a') + ",3.12.0," + sum + "," + address},
        {"short version", "python,3.12," + sum + "," + address},
        {"version with a v", "python,v3.12.0," + sum + "," + address},
        {"version with a blank", "python, 3.12.0," + sum + "," + address},
        {"version that is a path", "python,../../3.12.0," + sum + "," + address},
        {"short checksum", "python,3.12.0," + sum.substr(1) + "," + address},
        {"named checksum", "python,3.12.0,sha256:" + sum + "," + address},
        {"no address", "python,3.12.0," + sum + ","},
        {"no host", "python,3.12.0," + sum + ",https:///x"},
        {"another scheme", "python,3.12.0," + sum + ",ftp://packages.example/x"},
        {"relative file", "python,3.12.0," + sum + ",file://x/y"},
        {"address with a blank", "python,3.12.0," + sum + "," + address + " x"},
        {"address with a comma", "python,3.12.0," + sum + "," + address + ",x"},
        {"carriage return", "python,3.12.0," + sum + "," + address + "\r"},
        {"second of its kind", "good,1.0.0," + sum + "," + address},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto good = "good,1.0.0," + sum + "," + address;
        const auto index =
            parse_index(good + "\n" + row.line + "\nlast,2.0.0," + sum + "," + address);
        CHECK(index.entries.size() == 2);
        REQUIRE(index.problems.size() == 1);
        CHECK(index.problems[0].line == 2);
        CHECK_FALSE(index.problems[0].why.empty());
    }
}

TEST_CASE("an index has an end") {
    CHECK_NOTHROW(parse_index(std::string(packages::max_index_lines, '\n')));
    CHECK_THROWS_AS(parse_index(std::string(packages::max_index_lines + 1, '\n')), sys::Error);
    CHECK_THROWS_AS(parse_index(std::string(packages::max_index_bytes + 1, 'x')), sys::Error);
}

TEST_CASE("a signature holds for its bytes and its key alone") {
    const auto signer = Signer{};
    const auto text = "python,3.12.0," + sum + "," + address + "\n";
    const auto key = signer.public_key();
    const auto signature = signer.sign(text);
    CHECK_NOTHROW(packages::verify_signature(text, signature, key));
    CHECK_NOTHROW(packages::verify_signature(text, signature + "\n", " " + key + "\n"));

    struct Row {
        std::string name, text, signature, key;
    };
    const Row rows[] = {
        {"a byte more", text + "\n", signature, key},
        {"another byte", "P" + text.substr(1), signature, key},
        {"no bytes", "", signature, key},
        {"signature of something else", text, signer.sign("x"), key},
        {"another key", text, signature, packages::encode_base64(std::string(32, 'x'))},
        {"no signature", text, "", key},
        {"no key", text, signature, ""},
        {"short signature", text, packages::encode_base64(std::string(63, 's')), key},
        {"short key", text, signature, packages::encode_base64(std::string(31, 'k'))},
        {"no base64", text, "!" + signature.substr(1), key},
        {"zeros", text, packages::encode_base64(std::string(64, '\0')),
         packages::encode_base64(std::string(32, '\0'))},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(refused(row.text, row.signature, row.key));
    }
}

// RFC 8032, section 7.1, test 2.
TEST_CASE("the signature's algorithm is the one everybody else has") {
    const auto key = std::string{"PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="};
    const auto signature = std::string{
        "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA=="};
    CHECK_NOTHROW(packages::verify_signature("\x72", signature, key));
    CHECK(refused("\x73", signature, key));
}

TEST_CASE("whatever bytes an index has, what comes out obeys the grammar") {
    auto random = std::mt19937{20261121};  // fixed, so that a failure can be repeated
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    const auto seed =
        "python,3.12.0," + sum + "," + address + "\nc++,1.0.0-rc.1," + sum + ",file:///srv/x\n";
    const std::string spices[] = {",", "\n", "../", "\r", " ", "-", "v1.0.0", std::string(1, '\0')};
    auto entries = std::size_t{0};
    auto problems = std::size_t{0};
    for (int round = 0; round < 10'000; ++round) {
        auto text = seed;
        for (auto count = 1 + below(3); count > 0; --count) {
            const auto where = below(text.size());
            if (below(2) == 0) {
                text[where] = static_cast<char>(below(256));
            } else {
                text.insert(where, spices[below(std::size(spices))]);
            }
        }
        CAPTURE(round);
        const auto index = parse_index(text);
        entries += index.entries.size();
        problems += index.problems.size();
        for (const auto& entry : index.entries) {
            const bool fine = entry.package.find_first_of("/ \n\r") == std::string::npos &&
                              !entry.package.starts_with('.') && !entry.version.starts_with('v') &&
                              packages::parse_version(entry.version) &&
                              entry.version.find_first_of("/ \n\r") == std::string::npos &&
                              entry.url.find_first_of(", \n\r") == std::string::npos;
            REQUIRE(fine);
        }
    }
    CHECK(entries > 1000);
    CHECK(problems > 1000);
}
