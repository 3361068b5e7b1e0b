#include "api/http/render.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <functional>
#include <utility>

namespace http {

namespace {

void append_field(std::string& head, std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
}

// What a handler copies from a request or a job must not become a line of its own.
bool is_clean(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

// IMF-fixdate in C's English, whatever the locale (RFC 9110, section 5.6.7); made once a second.
std::string_view date() {
    static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    thread_local std::time_t made = -1;
    thread_local std::array<char, 64> text{};
    thread_local std::size_t length = 0;

    const auto now = std::time(nullptr);
    if (now == made) return {text.data(), length};
    auto parts = std::tm{};
    ::gmtime_r(&now, &parts);
    const auto written =
        std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                      days[parts.tm_wday], parts.tm_mday, months[parts.tm_mon],
                      parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    made = now;
    length = static_cast<std::size_t>(std::max(written, 0));
    return {text.data(), length};
}

// W/"<length>-<hash>": weak, as it names the content and not the bytes on the wire.
std::string tag_of(std::string_view body) {
    auto digits = std::array<char, 16>{};
    const auto hex = [&](std::size_t number) {
        const auto end = std::to_chars(digits.begin(), digits.end(), number, 16).ptr;
        return std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data()));
    };
    auto tag = std::string{"W/\""};
    tag.append(hex(body.size())).append("-");
    tag.append(hex(std::hash<std::string_view>{}(body))).append("\"");
    return tag;
}

// Weak comparison against a list of tags, or "*" (RFC 9110, section 13.1.2).
bool names_tag(std::string_view list, std::string_view tag) {
    const auto opaque = [](std::string_view text) {
        return text.starts_with("W/") ? text.substr(2) : text;
    };
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        auto candidate = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        candidate.remove_prefix(std::min(candidate.find_first_not_of(" \t"), candidate.size()));
        candidate = candidate.substr(0, candidate.find_last_not_of(" \t") + 1);
        if (candidate == "*" || opaque(candidate) == opaque(tag)) return true;
    }
    return false;
}

// Gives a GET its tag; true if the client has this version already.
bool tag_and_compare(const Request& request, Response& response) {
    const auto reads = request.method == "GET" || request.method == "HEAD";
    if (!reads || response.status != 200) return false;
    auto tag = tag_of(response.body);
    const auto known = names_tag(request.find_field("If-None-Match"), tag) &&
                       request.find_field("Cache-Control").find("no-cache") == std::string::npos;
    response.fields.push_back({"ETag", std::move(tag)});
    return known;
}

void append_fate(std::string& head, Afterwards afterwards, std::chrono::milliseconds idle) {
    if (afterwards == Afterwards::close) return append_field(head, "Connection", "close");
    append_field(head, "Connection", "keep-alive");
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(idle).count();
    append_field(head, "Keep-Alive", "timeout=" + std::to_string(seconds));
}

std::string status_line(int status) {
    auto head = std::string{};
    head.reserve(320);
    head.append("HTTP/1.1 ").append(std::to_string(status)).append(" ");
    return head.append(reason(status)).append("\r\n");
}

void append_fields(std::string& head, const Response& response) {
    for (const auto& field : response.fields)
        if (is_clean(field.name) && is_clean(field.value))
            append_field(head, field.name, field.value);
}

void append_type(std::string& head, const Response& response) {
    if (is_clean(response.content_type) && !response.content_type.empty())
        append_field(head, "Content-Type", response.content_type);
}

}  // namespace

Rendered render(const Request& request, Response response, Afterwards afterwards,
                std::chrono::milliseconds idle) {
    if (tag_and_compare(request, response)) response.status = 304;
    const auto bodiless = response.status == 304 || response.status == 204;

    auto head = status_line(response.status);
    append_fields(head, response);
    if (!bodiless) {
        append_type(head, response);
        append_field(head, "Content-Length", std::to_string(response.body.size()));
    }
    append_field(head, "Date", date());
    append_fate(head, afterwards, idle);
    head.append("\r\n");

    if (bodiless || request.method == "HEAD") response.body.clear();
    return {std::move(head), std::move(response.body)};
}

std::string render_head(const Request& request, const Response& response, Afterwards afterwards,
                        std::chrono::milliseconds idle) {
    auto head = status_line(response.status);
    append_fields(head, response);
    append_type(head, response);
    if (request.minor_version >= 1) append_field(head, "Transfer-Encoding", "chunked");
    append_field(head, "Date", date());
    append_fate(head, afterwards, idle);
    return head.append("\r\n");
}

}  // namespace http
