#include "api/resources/answer.h"

#include <sys/random.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "engine/busy.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace resources {

namespace {

constexpr std::size_t longest_id = 64;
constexpr int too_many_requests = 429;

bool is_plain(std::string_view id) {
    return !id.empty() && id.size() <= longest_id && std::all_of(id.begin(), id.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '-' || c == '_';
    });
}

}  // namespace

http::Response json(int status, std::string body) {
    return {.status = status, .fields = {}, .body = std::move(body)};
}

http::Response message(int status, std::string_view text) {
    return json(status, wire::encode_message(text));
}

http::Response problem(const std::exception& error, std::string_view id) {
    return problem(error, id, wire::problem_of);
}

http::Response problem(const std::exception& error, std::string_view id, ProblemOf problem_of) {
    auto [status, body] = problem_of(error, id);
    if (status >= 500)
        sys::log(sys::Level::error, "job_broken", {{"id", id}, {"error", error.what()}});
    auto response = json(status, std::move(body));
    if (status == too_many_requests) {
        const auto* const busy = dynamic_cast<const engine::Busy*>(&error);
        const auto seconds = busy ? busy->retry_after().count() : 1;
        response.fields.push_back({"Retry-After", std::to_string(seconds)});
    }
    return response;
}

std::string new_id() {
    std::uint64_t random = 0;
    // Never short for so few bytes, and an id need not be a secret (man 2 getrandom).
    [[maybe_unused]] const auto got = ::getrandom(&random, sizeof random, 0);
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(random));
    return text;
}

std::string request_id(const http::Request& request) {
    const auto given = request.find_field("x-request-id");
    return is_plain(given) ? std::string{given} : new_id();
}

}  // namespace resources
