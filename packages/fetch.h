// Downloads a file: all of it and the right one, or none.
//
// The bytes go to "<target>.part"; only when they are complete, have the expected digest and are on
// the disk does the file get its name. What is left of an interrupted download is resumed by the
// next one, if the server says that the file is still the same. Length, time, redirects and
// addresses are limited by the policy (network.h), whatever the server says about itself. Errors
// never show a user, a password or a query of the address.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "packages/digest.h"
#include "packages/network.h"

namespace packages {

struct Download {
    std::string url;
    std::string target;            // path of the finished file; replaced if it is there
    std::optional<Digest> digest;  // checked on the bytes that were written
    std::uint64_t most_bytes = 4ULL << 30;
};

// Told bytes that are there, those of an earlier try included, and the total or 0 if nobody knows.
// Called often, on the caller's thread; what it throws ends the download.
using DownloadProgress = std::function<void(std::uint64_t received, std::uint64_t total)>;

// Throws sys::Error: not_found for what the server does not have; invalid for a wrong digest, too
// many bytes or an address the policy forbids; busy if stopped, or if somebody else is downloading
// to the same target; broken with the address and the cause for all else.
void fetch(const Download& download, const FetchPolicy& policy, const DownloadProgress& progress,
           std::stop_token stop);

// A small document as text. Throws as fetch does.
std::string fetch_text(const std::string& url, const FetchPolicy& policy, std::uint64_t most_bytes,
                       std::stop_token stop);

}  // namespace packages
