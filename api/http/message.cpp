#include "api/http/message.h"

#include <algorithm>
#include <utility>

namespace http {

namespace {

// Locale-free on purpose: header names and paths are ASCII (RFC 9110, section 5.1).
constexpr char lower(char character) {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character + ('a' - 'A'))
                                                : character;
}

constexpr std::pair<int, std::string_view> reasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Payload Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Entity"},
    {429, "Too Many Requests"},
    {426, "Upgrade Required"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

// The sentences are our own plain ASCII; what a client sent may be quoted in them.
void append_escaped(std::string& to, std::string_view text) {
    for (const char character : text) {
        if (character == '"' || character == '\\') to += '\\';
        to += character >= ' ' && character < 127 ? character : '?';
    }
}

}  // namespace

std::string_view Request::find_field(std::string_view name) const {
    const auto found = std::ranges::find_if(
        fields, [&](const Field& field) { return same_word(field.name, name); });
    return found == fields.end() ? std::string_view{} : std::string_view{found->value};
}

Response problem(int status, std::string_view message) {
    auto response = Response{.status = status};
    response.body = R"({"message":")";
    append_escaped(response.body, message);
    response.body += "\"}";
    return response;
}

Response body_problem(std::string_view message, std::string_view stack) {
    auto response = problem(400, message);
    response.body.pop_back();
    response.body += R"(,"stack":")";
    append_escaped(response.body, stack);
    response.body += "\"}";
    return response;
}

std::string_view reason(int status) {
    const auto* const found =
        std::ranges::find(reasons, status, &std::pair<int, std::string_view>::first);
    return found == std::end(reasons) ? "Unknown" : found->second;
}

bool same_word(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, {}, lower, lower);
}

bool starts_with_word(std::string_view text, std::string_view start) {
    return same_word(text.substr(0, start.size()), start);
}

}  // namespace http
