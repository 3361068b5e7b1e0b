#include "api/resources/key_ring.h"

#include <algorithm>
#include <utility>

#include "packages/digest.h"

namespace resources {

namespace {

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
    return text.substr(0, text.find_last_not_of(" \t") + 1);
}

// Looks at every byte, whatever it has found already.
bool same(const config::KeyDigest& left, const config::KeyDigest& right) {
    unsigned difference = 0;
    for (std::size_t i = 0; i < left.size(); ++i)
        difference |= static_cast<unsigned>(left[i] ^ right[i]);
    return difference == 0;
}

}  // namespace

std::string_view shown_key(const http::Request& request) {
    const auto shown = trimmed(request.find_field("Authorization"));
    for (const std::string_view other : {"Basic ", "Digest "})
        if (http::starts_with_word(shown, other)) return {};
    constexpr std::string_view scheme = "Bearer ";
    return http::starts_with_word(shown, scheme) ? trimmed(shown.substr(scheme.size())) : shown;
}

config::KeyDigest digest_of_key(std::string_view text) {
    packages::Hasher hasher{packages::Digest::Algorithm::sha256};
    hasher.update(text);
    config::KeyDigest digest{};
    std::ranges::copy(hasher.finish().bytes, digest.begin());
    return digest;
}

void KeyRing::add(config::Key key) {
    const auto known = std::ranges::find(keys_, key.digest, &config::Key::digest);
    if (known == keys_.end()) return keys_.push_back(std::move(key));
    known->scopes = static_cast<std::uint8_t>(known->scopes | key.scopes);
}

const config::Key* KeyRing::find(std::string_view text) const {
    if (text.empty() || keys_.empty()) return nullptr;
    const auto digest = digest_of_key(text);
    // All of them, so that the time does not tell which one it was.
    const config::Key* found = nullptr;
    for (const auto& key : keys_)
        if (same(key.digest, digest)) found = &key;
    return found;
}

}  // namespace resources
