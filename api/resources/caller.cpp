#include "api/resources/caller.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "api/resources/answer.h"
#include "api/resources/client.h"
#include "api/resources/rate_limit.h"

namespace resources {

namespace {

using Kind = engine::Client::Kind;

engine::Client client_of_key(const config::Key& key) {
    engine::Client client{.kind = Kind::key};
    std::copy_n(key.digest.begin(), client.bytes.size(), client.bytes.begin());
    return client;
}

engine::Client client_without_key(const http::Request& request, const Policy& policy) {
    if (const auto address = client_of(request, policy.proxies))
        return {.kind = Kind::address, .bytes = rate_key(*address).bytes};
    const auto user = socket_user(request);
    if (!user) return {};
    engine::Client client{.kind = Kind::user};
    for (std::size_t i = 0; i < sizeof *user; ++i)
        client.bytes[i] = static_cast<std::uint8_t>(*user >> (8 * i));
    return client;
}

std::string rate_text(const config::KeyRate& rate) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(rate.window).count();
    const auto* unit = seconds == 1 ? "second" : seconds == 60 ? "minute" : "hour";
    return std::to_string(rate.count) + (rate.count == 1 ? " job in one " : " jobs in one ") + unit;
}

}  // namespace

Caller caller_of(const http::Request& request, const Policy& policy) {
    const auto* const key = policy.keys.find(shown_key(request));
    return {.key = key, .client = key ? client_of_key(*key) : client_without_key(request, policy)};
}

engine::Ticket ticket_of(const http::Request& request, const Policy& policy) {
    const auto caller = caller_of(request, policy);
    return {.client = caller.client, .most_running = caller.key ? caller.key->jobs : 0};
}

engine::Asker asker_of(const http::Request& request, const Policy& policy) {
    const auto* const key = policy.keys.find(shown_key(request));
    return {.client = client_text(request, policy.proxies), .key = key ? key->name : ""};
}

http::Response unauthorized(std::string_view why) {
    auto response = message(401, why);
    response.fields.push_back({"WWW-Authenticate", "Bearer"});
    return response;
}

std::optional<Refusal> key_trouble(const Policy& policy, const http::Request& request,
                                   config::Scope scope) {
    const auto& settings = policy.settings.keys;
    if (settings.file.empty()) return std::nullopt;
    const auto shown = shown_key(request);
    if (shown.empty()) {
        if (!settings.required && scope == config::Scope::run) return std::nullopt;
        return Refusal{401,
                       "this needs an API key: send yours as \"Authorization: Bearer <key>\" "
                       "(keys.file, keys.required)"};
    }
    const auto* const key = policy.keys.find(shown);
    if (key == nullptr) return Refusal{401, "this API key is not known here (keys.file)"};
    if (key->may(scope)) return std::nullopt;
    return Refusal{403, "the API key \"" + key->name + "\" may not do this: it has not the scope " +
                            std::string(config::name_of(scope)) + " (keys.file)"};
}

std::optional<http::Response> key_refusal(const Policy& policy, const http::Request& request,
                                          config::Scope scope) {
    const auto trouble = key_trouble(policy, request, scope);
    if (!trouble) return std::nullopt;
    return trouble->status == 401 ? unauthorized(trouble->why)
                                  : message(trouble->status, trouble->why);
}

std::optional<Refusal> rate_trouble(KeyRates& rates, const Policy& policy,
                                    const http::Request& request, KeyClock::time_point now) {
    const auto* const key = policy.keys.find(shown_key(request));
    if (key == nullptr) return std::nullopt;
    const auto wait = rates.take(*key, now);
    if (wait.count() == 0) return std::nullopt;
    return Refusal{429,
                   "the API key \"" + key->name + "\" may send " + rate_text(key->rate) + ", " +
                       std::to_string(key->rate.burst) + " at once (rate and burst in keys.file)",
                   wait};
}

std::optional<http::Response> rate_refusal(KeyRates& rates, const Policy& policy,
                                           const http::Request& request, KeyClock::time_point now) {
    const auto trouble = rate_trouble(rates, policy, request, now);
    if (!trouble) return std::nullopt;
    auto response = message(trouble->status, trouble->why);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(trouble->retry_after).count();
    response.fields.push_back({"Retry-After", std::to_string(seconds)});
    return response;
}

}  // namespace resources
