// Who asks: with which key, and with whom it takes turns.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "api/http/message.h"
#include "api/resources/key_rate.h"
#include "api/resources/policy.h"
#include "config/keys.h"
#include "engine/admission.h"
#include "engine/client.h"
#include "engine/job.h"

namespace resources {

struct Caller {
    const config::Key* key = nullptr;  // of the policy; null: none, or one that is not known
    engine::Client client;             // the key, else the address, else the user
};

// Pure.
Caller caller_of(const http::Request& request, const Policy& policy);

// What a job of this client waits with, but for its size. Pure.
engine::Ticket ticket_of(const http::Request& request, const Policy& policy);

// Why a client may not have something done.
struct Refusal {
    int status;  // of HTTP: 401, 403 or 429
    std::string why;
    std::chrono::milliseconds retry_after{0};  // of 429
};

// Who sent a job, for the record. Pure.
engine::Asker asker_of(const http::Request& request, const Policy& policy);

// Why a request may not do what needs that scope: 401 without a key or with one that nobody knows,
// 403 with one that is for something else. Empty if it may, and always if there is no file of keys.
// Pure.
std::optional<Refusal> key_trouble(const Policy& policy, const http::Request& request,
                                   config::Scope scope);
// The same as an answer.
std::optional<http::Response> key_refusal(const Policy& policy, const http::Request& request,
                                          config::Scope scope);

// Why the holder of a key may not send a job now: 429. Counts the job if it may.
std::optional<Refusal> rate_trouble(KeyRates& rates, const Policy& policy,
                                    const http::Request& request, KeyClock::time_point now);
// The same as an answer.
std::optional<http::Response> rate_refusal(KeyRates& rates, const Policy& policy,
                                           const http::Request& request, KeyClock::time_point now);

// 401, with the field that goes with it.
http::Response unauthorized(std::string_view why);

}  // namespace resources
