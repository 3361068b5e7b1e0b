#include "api/wire/problem.h"

#include "api/wire/json_text.h"
#include "api/wire/syntax_error.h"
#include "engine/observer.h"
#include "isolate/sys/error.h"

namespace wire {

namespace {

int http_status(sys::Kind kind) {
    switch (kind) {
        case sys::Kind::invalid:
            return 400;
        case sys::Kind::not_found:
            return 404;
        case sys::Kind::busy:
            return 429;
        case sys::Kind::broken:
            return 500;
    }
    __builtin_unreachable();
}

}  // namespace

std::string encode_message(std::string_view text) {
    std::string body = R"({"message":)";
    append_json_text(body, text);
    return body + '}';
}

Problem problem_of(const std::exception& error, std::string_view id) {
    const auto* known = dynamic_cast<const sys::Error*>(&error);
    const auto kind = known ? known->kind() : sys::Kind::broken;
    constexpr int unavailable = 503;
    const auto status =
        dynamic_cast<const engine::Unavailable*>(&error) ? unavailable : http_status(kind);
    if (kind == sys::Kind::broken) {
        return {status, encode_message("Internal error " + std::string(id))};
    }
    if (dynamic_cast<const SyntaxError*>(&error)) {
        std::string body = R"({"stack":)";
        append_json_text(body, error.what());
        body += R"(,"message":)";
        append_json_text(body, error.what());
        return {status, body + '}'};
    }
    return {status, encode_message(error.what())};
}

}  // namespace wire
