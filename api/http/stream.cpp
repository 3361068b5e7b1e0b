#include "api/http/stream.h"

#include <array>
#include <charconv>
#include <exception>
#include <string>
#include <utility>

#include "isolate/sys/log.h"

namespace http {

namespace {

std::string chunk_of(std::string_view bytes) {
    auto digits = std::array<char, 16>{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), bytes.size(), 16).ptr;
    auto chunk = std::string{};
    chunk.reserve(bytes.size() + digits.size() + 4);
    chunk.append(digits.data(), end).append("\r\n").append(bytes).append("\r\n");
    return chunk;
}

}  // namespace

Stream::Stream(std::shared_ptr<Output> output, bool chunked, std::function<void(bool)> done)
    : output_(std::move(output)), chunked_(chunked), done_(std::move(done)) {}

Stream::~Stream() {
    output_->on_drained({});
    if (!done_) return;
    try {
        done_(false);
    } catch (const std::exception& error) {
        sys::log(sys::Level::error, "stream_lost", {{"error", error.what()}});
    }
}

// An empty chunk would be the last one.
void Stream::send(std::string_view bytes) {
    if (!bytes.empty()) output_->send(chunked_ ? chunk_of(bytes) : std::string{bytes});
}

void Stream::finish() {
    if (!done_) return;
    if (chunked_) output_->send("0\r\n\r\n");
    std::exchange(done_, {})(true);
}

}  // namespace http
