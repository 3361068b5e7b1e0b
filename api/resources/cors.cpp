#include "api/resources/cors.h"

#include <algorithm>

namespace resources {

namespace {

bool has(const std::vector<std::string>& origins, std::string_view origin) {
    return std::ranges::find(origins, origin) != origins.end();
}

}  // namespace

std::vector<http::Field> cors_fields(const std::vector<std::string>& origins,
                                     std::string_view origin) {
    if (origins.empty()) return {};
    // What "auto" does not let pages do is refused with an answer, which they may read as well.
    if (has(origins, "*") || has(origins, "auto")) return {{"Access-Control-Allow-Origin", "*"}};
    // Caches must not give one page the answer that was for another.
    auto fields = std::vector<http::Field>{{"Vary", "Origin"}};
    if (!origin.empty() && has(origins, origin))
        fields.push_back({"Access-Control-Allow-Origin", std::string(origin)});
    return fields;
}

std::optional<http::Response> preflight(const std::vector<std::string>& origins,
                                        const http::Request& request, std::string_view allow) {
    const auto origin = request.find_field("Origin");
    const bool is_question = request.method == "OPTIONS" && !origin.empty() &&
                             !request.find_field("Access-Control-Request-Method").empty();
    const bool is_allowed = has(origins, "*") || has(origins, origin);
    if (!is_question || !is_allowed || allow.empty()) return std::nullopt;
    // "*" would not stand for Authorization. The answer holds for ten minutes.
    return http::Response{
        .status = 204,
        .content_type = "",
        .fields = {{"Access-Control-Allow-Methods", std::string(allow)},
                   {"Access-Control-Allow-Headers", "Content-Type, Authorization, X-Request-Id"},
                   {"Access-Control-Max-Age", "600"}},
        .body = ""};
}

}  // namespace resources
