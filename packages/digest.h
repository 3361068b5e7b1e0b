// Digests of downloads: how they are written down, and how they are computed (libcrypto).
//
// A digest is a plain value. Reading one is strict, because what is read decides whether files from
// elsewhere are believed: an unknown algorithm, a wrong length or a stray character is an error,
// never "no digest". Hashing never fails for a reason of the data; sys::Error{broken} means that a
// file could not be read or libcrypto refused to work.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "isolate/sys/error.h"
#include "isolate/sys/fd.h"

namespace packages {

struct Digest {
    // From the weakest to the strongest. go_h1 is Go's own "h1:", the SHA-256 of a list of SHA-256
    // sums of the files in a zip, so that it says nothing about how they are packed (archive.h).
    enum class Algorithm { sha1, go_h1, sha256, sha384, sha512 };

    Algorithm algorithm = Algorithm::sha256;
    std::string bytes;  // raw, as many as the algorithm gives

    bool operator==(const Digest&) const = default;
};

// Reads "sha256:<hex>" (or sha1, sha384, sha512), 64 bare hex digits (sha256), "sha512-<base64>"
// as a browser's or a JavaScript package manager's integrity, and "h1:<base64>". Of several
// integrities, separated by blanks, the strongest counts; two that contradict each other are
// refused. Throws sys::Error{invalid}.
Digest parse_digest(std::string_view text);

// "sha256:<hex>", "h1:<base64>": what parse_digest reads back.
std::string to_string(const Digest& digest);

// Strict base64 (RFC 4648, section 4: padded, no blanks, unused bits zero). Throws
// sys::Error{invalid}: "<what> is not base64".
std::string decode_base64(std::string_view text, const std::string& what);
std::string encode_base64(std::string_view bytes);

// A file is not the one that was expected.
class DigestError : public sys::Error {
public:
    // `object` is what was looked at: an address, a file's name.
    DigestError(const std::string& object, Digest wanted, Digest actual);

    const Digest& wanted() const { return wanted_; }
    const Digest& actual() const { return actual_; }

private:
    Digest wanted_, actual_;
};

// Hashes what it is given, piece by piece. Not for go_h1, which is no digest of a run of bytes:
// Error{invalid}.
class Hasher {
public:
    explicit Hasher(Digest::Algorithm algorithm);
    Hasher(const Hasher&) = delete;
    Hasher& operator=(const Hasher&) = delete;
    Hasher(Hasher&&) noexcept;
    Hasher& operator=(Hasher&&) noexcept;
    ~Hasher();

    void update(std::string_view bytes);

    // The digest of all that was given. Once: then this hasher is done.
    Digest finish();

private:
    struct State;
    std::unique_ptr<State> state_;
};

// Of the whole file, from its first byte; the descriptor's offset is neither used nor moved.
Digest digest_of_file(const sys::UniqueFd& file, Digest::Algorithm algorithm);

}  // namespace packages
