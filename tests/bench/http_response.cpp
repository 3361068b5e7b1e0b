#include "tests/bench/http_response.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "isolate/sys/error.h"

namespace bench {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view head_end = "\r\n\r\n";

std::size_t number(std::string_view text, int base) {
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (error != std::errc{} || end == text.data())
        throw sys::Error(sys::Kind::broken, "not a length in HTTP: " + std::string{text});
    return value;
}

// The value of a field in a head that was made lower case; empty if it is not there.
std::string_view field(std::string_view head, std::string_view name) {
    const auto wanted = std::string{line_end} + std::string{name} + ":";
    const auto at = head.find(wanted);
    if (at == std::string_view::npos) return {};
    auto value = head.substr(at + wanted.size());
    value = value.substr(0, value.find(line_end));
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    return value;
}

}  // namespace

void HttpResponse::clear() {
    stage_ = Stage::head;
    status_ = 0;
    keeps_connection_ = true;
    length_ = 0;
    head_.clear();
    body_.clear();
    chunks_.clear();
}

void HttpResponse::feed(std::string_view bytes) {
    if (stage_ != Stage::head) return take_body(bytes);
    head_ += bytes;
    const auto end = head_.find(head_end);
    if (end == std::string::npos) return;
    const auto rest = head_.substr(end + head_end.size());
    head_.resize(end);
    parse_head();
    take_body(rest);
}

void HttpResponse::parse_head() {
    std::transform(head_.begin(), head_.end(), head_.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!head_.starts_with("http/1.") || head_.size() < 12)
        throw sys::Error(sys::Kind::broken, "not an HTTP response: " + head_.substr(0, 80));
    status_ = static_cast<int>(number(std::string_view{head_}.substr(9, 3), 10));
    keeps_connection_ = field(head_, "connection") != "close";

    if (field(head_, "transfer-encoding") == "chunked") {
        stage_ = Stage::chunked_body;
    } else if (const auto length = field(head_, "content-length"); !length.empty()) {
        stage_ = Stage::sized_body;
        length_ = number(length, 10);
    } else {
        stage_ = Stage::body_until_close;
    }
}

void HttpResponse::take_body(std::string_view bytes) {
    if (stage_ == Stage::chunked_body) {
        chunks_ += bytes;
        return take_chunks();
    }
    body_ += bytes;
    if (stage_ == Stage::sized_body && body_.size() >= length_) stage_ = Stage::done;
}

// Chunk: length in hex, CRLF, data, CRLF. The last has length 0; trailers are not expected.
void HttpResponse::take_chunks() {
    const std::string_view all{chunks_};
    std::size_t at = 0;
    for (;;) {
        const auto end = all.find(line_end, at);
        if (end == std::string_view::npos) break;
        const auto size = number(all.substr(at, end - at), 16);
        const auto data = end + line_end.size();
        if (all.size() < data + size + line_end.size()) break;
        body_ += all.substr(data, size);
        at = data + size + line_end.size();
        if (size == 0) {
            stage_ = Stage::done;
            break;
        }
    }
    chunks_.erase(0, at);
}

bool HttpResponse::finish() {
    if (stage_ == Stage::body_until_close) {
        stage_ = Stage::done;
        keeps_connection_ = false;
    }
    return complete();
}

}  // namespace bench
