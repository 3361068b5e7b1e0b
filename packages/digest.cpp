#include "packages/digest.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "isolate/sys/error.h"

namespace packages {

namespace {

using Algorithm = Digest::Algorithm;

struct Known {
    Algorithm algorithm;
    std::string_view name;
    std::size_t bytes;
};

constexpr Known known_algorithms[] = {
    {Algorithm::sha1, "sha1", 20},     {Algorithm::go_h1, "h1", 32},
    {Algorithm::sha256, "sha256", 32}, {Algorithm::sha384, "sha384", 48},
    {Algorithm::sha512, "sha512", 64},
};

constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Longer than any list of integrities somebody would write.
constexpr std::size_t max_digest_text = 1024;

const Known* find_algorithm(std::string_view name) {
    const auto* const found = std::ranges::find(known_algorithms, name, &Known::name);
    return found == std::end(known_algorithms) ? nullptr : found;
}

const Known& facts_of(Algorithm algorithm) {
    return *std::ranges::find(known_algorithms, algorithm, &Known::algorithm);
}

// Errors quote what was written, but no more of it than fits a line, and nothing unprintable.
[[noreturn]] void refuse(std::string_view text, const std::string& why) {
    auto quoted = std::string{text.substr(0, 150)};
    for (auto& c : quoted) {
        if (c < ' ' || c > '~') c = '?';
    }
    throw sys::Error(sys::Kind::invalid, "the digest \"" + quoted + "\" " + why);
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::optional<std::string> decode_hex(std::string_view text) {
    if (text.size() % 2 != 0) return {};
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return {};
        bytes += static_cast<char>(high * 16 + low);
    }
    return bytes;
}

std::string encode_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char c : bytes) {
        const auto value = static_cast<unsigned char>(c);
        text += digits[value / 16];
        text += digits[value % 16];
    }
    return text;
}

std::optional<std::string> try_decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return {};
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
    text.remove_suffix(padding);
    std::string bytes;
    unsigned bits = 0;
    int pending = 0;  // how many bits of `bits` are still to be given out
    for (const char c : text) {
        const auto value = base64_alphabet.find(c);
        if (value == std::string_view::npos) return {};
        bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffff;
        pending += 6;
        if (pending < 8) continue;
        pending -= 8;
        bytes += static_cast<char>(bits >> pending & 0xff);
    }
    const unsigned unused = bits & ((1U << pending) - 1);
    if (unused != 0) return {};
    return bytes;
}

Digest digest_from(std::string_view text, const Known& known,
                   const std::optional<std::string>& bytes) {
    if (!bytes || bytes->size() != known.bytes) {
        refuse(text, "is not one of " + std::string{known.name} + " (" +
                         std::to_string(known.bytes) + " bytes)");
    }
    return {known.algorithm, *bytes};
}

Digest parse_integrity(std::string_view text, std::string_view whole) {
    const auto dash = text.find('-');
    const auto* known = find_algorithm(text.substr(0, dash));
    if (dash == std::string_view::npos || !known || known->algorithm == Algorithm::go_h1)
        refuse(whole, "is of no algorithm that is known here");
    return digest_from(whole, *known, try_decode_base64(text.substr(dash + 1)));
}

Digest parse_integrities(std::string_view text) {
    std::optional<Digest> strongest;
    for (auto rest = text; !rest.empty();) {
        const auto word = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(word.size() + 1, rest.size()));
        if (word.empty()) continue;
        auto digest = parse_integrity(word, text);
        if (strongest && digest.algorithm == strongest->algorithm && digest != *strongest)
            refuse(text, "contradicts itself");
        if (!strongest || digest.algorithm > strongest->algorithm) strongest = std::move(digest);
    }
    if (!strongest) refuse(text, "is empty");
    return *strongest;
}

const EVP_MD* method_of(Algorithm algorithm) {
    switch (algorithm) {
        case Algorithm::sha1:
            return EVP_sha1();
        case Algorithm::sha256:
            return EVP_sha256();
        case Algorithm::sha384:
            return EVP_sha384();
        case Algorithm::sha512:
            return EVP_sha512();
        case Algorithm::go_h1:
            break;
    }
    throw sys::Error(sys::Kind::invalid, "an h1 digest is one of a zip, not of plain bytes");
}

void must(int result, const char* what) {
    if (result != 1) {
        throw sys::Error(sys::Kind::broken, std::string{"libcrypto does not "} + what);
    }
}

}  // namespace

Digest parse_digest(std::string_view text) {
    if (text.size() > max_digest_text) refuse(text, "is too long");
    if (const auto colon = text.find(':'); colon != std::string_view::npos) {
        const auto* known = find_algorithm(text.substr(0, colon));
        if (!known) refuse(text, "is of no algorithm that is known here");
        const auto value = text.substr(colon + 1);
        const bool base64 = known->algorithm == Algorithm::go_h1;
        return digest_from(text, *known, base64 ? try_decode_base64(value) : decode_hex(value));
    }
    if (text.find('-') != std::string_view::npos) return parse_integrities(text);
    return digest_from(text, facts_of(Algorithm::sha256), decode_hex(text));
}

std::string to_string(const Digest& digest) {
    const bool base64 = digest.algorithm == Algorithm::go_h1;
    return std::string{facts_of(digest.algorithm).name} + ":" +
           (base64 ? encode_base64(digest.bytes) : encode_hex(digest.bytes));
}

std::string decode_base64(std::string_view text, const std::string& what) {
    auto bytes = try_decode_base64(text);
    if (!bytes) throw sys::Error(sys::Kind::invalid, what + " is not base64");
    return *bytes;
}

std::string encode_base64(std::string_view bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const auto group = bytes.substr(i, 3);
        unsigned bits = 0;
        for (std::size_t j = 0; j < 3; ++j) {
            bits = bits << 8 | (j < group.size() ? static_cast<unsigned char>(group[j]) : 0U);
        }
        for (std::size_t j = 0; j < 4; ++j) {
            text += j <= group.size() ? base64_alphabet[bits >> (18 - 6 * j) & 0x3f] : '=';
        }
    }
    return text;
}

struct Hasher::State {
    struct Free {
        void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
    };
    Algorithm algorithm;
    std::unique_ptr<EVP_MD_CTX, Free> context;
};

DigestError::DigestError(const std::string& object, Digest wanted, Digest actual)
    : sys::Error(sys::Kind::invalid, object + " has the digest " + to_string(actual) +
                                         ", expected was " + to_string(wanted)),
      wanted_(std::move(wanted)),
      actual_(std::move(actual)) {}

Hasher::Hasher(Algorithm algorithm)
    : state_(new State{algorithm, std::unique_ptr<EVP_MD_CTX, State::Free>(EVP_MD_CTX_new())}) {
    must(EVP_DigestInit_ex(state_->context.get(), method_of(algorithm), nullptr), "hash");
}

Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::update(std::string_view bytes) {
    must(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()), "hash");
}

Digest Hasher::finish() {
    auto bytes = std::array<unsigned char, EVP_MAX_MD_SIZE>{};
    unsigned length = 0;
    must(EVP_DigestFinal_ex(state_->context.get(), bytes.data(), &length), "finish a hash");
    return {state_->algorithm, std::string(bytes.begin(), bytes.begin() + length)};
}

Digest digest_of_file(const sys::UniqueFd& file, Algorithm algorithm) {
    auto hasher = Hasher(algorithm);
    auto buffer = std::vector<char>(256 * 1024);
    for (off_t offset = 0;;) {
        const auto length = ::pread(file.get(), buffer.data(), buffer.size(), offset);
        if (length < 0 && errno == EINTR) continue;
        if (length < 0) sys::fail("read a file to hash it");
        if (length == 0) return hasher.finish();
        hasher.update({buffer.data(), static_cast<std::size_t>(length)});
        offset += length;
    }
}

}  // namespace packages
