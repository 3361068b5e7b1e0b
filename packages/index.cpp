#include "packages/index.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <utility>

#include "isolate/sys/error.h"
#include "packages/package.h"

namespace packages {

namespace {

constexpr std::size_t max_version_length = 128;
constexpr std::size_t max_url_length = 2048;
constexpr std::size_t sha256_digits = 64;

constexpr std::size_t key_bytes = 32;
constexpr std::size_t signature_bytes = 64;

// parse_version forgives blanks and a "v"; a path made from such a version would not.
bool is_strict_version(std::string_view text) {
    return !text.empty() && text.size() <= max_version_length && text[0] >= '0' && text[0] <= '9' &&
           text.find_first_of(" \t\n\v\f\r") == std::string_view::npos && parse_version(text);
}

bool is_sha256(std::string_view text) {
    return text.size() == sha256_digits &&
           text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

bool is_url(std::string_view text) {
    if (text.size() > max_url_length) return false;
    if (!std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != ','; }))
        return false;
    if (text.starts_with("file:///")) return text.size() > std::string_view{"file:///"}.size();
    for (const std::string_view scheme : {"https://", "http://"}) {
        if (!text.starts_with(scheme)) continue;
        const auto rest = text.substr(scheme.size());
        return !rest.empty() && std::string_view{"/?#@:"}.find(rest[0]) == std::string_view::npos;
    }
    return false;
}

// Takes the text before the next comma off the front; all that is left if there is none.
std::string_view take_field(std::string_view& line) {
    const auto field = line.substr(0, line.find(','));
    line.remove_prefix(std::min(field.size() + 1, line.size()));
    return field;
}

// Fills the entry, or says why the line is none. A refused text is not quoted: it may hold
// anything.
std::string parse_line(std::string_view line, IndexEntry& entry) {
    if (std::ranges::count(line, ',') < 3)
        return "is not \"<package>,<version>,<sha256>,<address>\"";
    const auto name = take_field(line);
    const auto version = take_field(line);
    const auto digest = take_field(line);
    if (!is_package_name(name))
        return "the package's name has to match [A-Za-z0-9][A-Za-z0-9_.+-]{0,63}";
    if (!is_strict_version(version)) return "the version is no semver, such as 3.12.0";
    if (!is_sha256(digest)) return "the checksum is not 64 hexadecimal digits";
    if (!is_url(line)) return "the address is no http, https or file URL";
    entry = {std::string{name}, std::string{version}, parse_digest(digest), std::string{line}};
    return {};
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string decode_exactly(std::string_view text, std::size_t bytes, const std::string& what) {
    auto decoded = decode_base64(trimmed(text), what);
    if (decoded.size() != bytes) {
        throw sys::Error(sys::Kind::invalid, what + " has " + std::to_string(decoded.size()) +
                                                 " bytes, not " + std::to_string(bytes));
    }
    return decoded;
}

// The same bytes as libcrypto wants them; a char may be read as any other.
const unsigned char* unsigned_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Index parse_index(std::string_view text) {
    if (text.size() > max_index_bytes)
        throw sys::Error(sys::Kind::invalid, "the index has more than 4 MiB");
    Index index;
    std::set<std::pair<std::string, std::string>> seen;
    int number = 0;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (++number > max_index_lines)
            throw sys::Error(sys::Kind::invalid, "the index has more than 10000 lines");
        if (line.empty()) continue;
        IndexEntry entry;
        auto why = parse_line(line, entry);
        if (why.empty() && !seen.emplace(entry.package, entry.version).second)
            why = "names a package and version for the second time";
        if (why.empty()) {
            index.entries.push_back(std::move(entry));
        } else {
            index.problems.push_back({number, std::move(why)});
        }
    }
    return index;
}

void verify_signature(std::string_view index, std::string_view signature, std::string_view key) {
    const auto raw_key = decode_exactly(key, key_bytes, "the index's public key");
    const auto raw_signature =
        decode_exactly(signature, signature_bytes, "the signature of the index");
    const auto public_key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>(
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, unsigned_bytes(raw_key),
                                    raw_key.size()),
        &EVP_PKEY_free);
    const auto context =
        std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    // Only an outright 1 is a yes (man 3 EVP_DigestVerify).
    const bool genuine =
        public_key && context &&
        EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, public_key.get()) == 1 &&
        EVP_DigestVerify(context.get(), unsigned_bytes(raw_signature), raw_signature.size(),
                         unsigned_bytes(index), index.size()) == 1;
    if (!genuine) {
        throw sys::Error(sys::Kind::invalid,
                         "the signature of the index is not one by the configured key: "
                         "the index was changed, or the key is another's");
    }
}

}  // namespace packages
