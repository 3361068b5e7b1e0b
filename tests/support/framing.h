// Reads bytes as a connection does when every request is answered at once, cut into pieces of any
// size: what the tests and the fuzzer of the framing compare.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "api/http/connection.h"

namespace support {

struct Framed {
    std::vector<http::Request> requests;
    bool refused = false;
    http::Response refusal;

    bool operator==(const Framed&) const = default;
};

// `next_size` gives the size of each piece, at least 1. Small bounds, so that they are met.
inline Framed read_framed(std::string_view bytes, const std::function<std::size_t()>& next_size) {
    auto connection = http::Connection({.header = {512}, .body = {256}});
    auto framed = Framed{};
    while (!bytes.empty()) {
        const auto piece = bytes.substr(0, next_size());
        bytes.remove_prefix(piece.size());
        auto outcome = connection.receive(piece);
        while (outcome == http::Connection::Outcome::request) {
            framed.requests.push_back(connection.take());
            outcome = connection.resume();
        }
        if (outcome != http::Connection::Outcome::refused) continue;
        framed.refused = true;
        framed.refusal = connection.refusal();
    }
    return framed;
}

}  // namespace support
