#include "api/resources/dialects.h"

#include <algorithm>
#include <string>

#include "api/dialects/base64_jobs.h"
#include "api/dialects/code_executor.h"
#include "api/dialects/fastapi.h"
#include "api/dialects/fields.h"
#include "api/dialects/mini_piston.h"
#include "api/http/route_table.h"
#include "api/resources/answer.h"
#include "api/resources/execute.h"
#include "api/resources/facade.h"
#include "api/resources/version.h"
#include "api/wire/json_text.h"
#include "api/wire/problem.h"
#include "api/wire/request_fields.h"
#include "api/wire/syntax_error.h"

namespace resources {

namespace {

engine::Job decode_mini(const std::string& body, const engine::Runtimes& runtimes,
                        const config::Settings&) {
    return dialects::decode_mini_job(body, runtimes);
}

engine::Job decode_base64(const std::string& body, const engine::Runtimes& runtimes,
                          const config::Settings& settings) {
    return dialects::decode_base64_job(body, runtimes, settings.dialects.base64_jobs);
}

engine::Job decode_executor(const std::string& body, const engine::Runtimes& runtimes,
                            const config::Settings& settings) {
    return dialects::job_of(dialects::decode_code_executor(body), runtimes,
                            settings.dialects.code_executor);
}

std::string encode_executor(const engine::JobResult& result) {
    return dialects::encode(dialects::response_of(result));
}

constexpr Manner mini{decode_mini, dialects::encode_mini_job, wire::problem_of};
constexpr Manner base64{decode_base64, dialects::encode_base64_job, dialects::fastapi_problem_of};
constexpr Manner executor{decode_executor, encode_executor, dialects::code_executor_problem_of};

// For clients of either service, who look for the sentence in different places.
http::Response undecided(std::string_view sentence) {
    std::string body = R"({"error":)";
    wire::append_json_text(body, sentence);
    body += R"(,"message":)";
    wire::append_json_text(body, sentence);
    return json(400, body + '}');
}

constexpr wire::FieldDescription telling_fields[] = {
    {"source", wire::FieldType::text, wire::FieldNeed::optional, "", "", ""},
    {"code", wire::FieldType::text, wire::FieldNeed::optional, "", "", ""},
};

enum class V1Dialect { piston, code_executor, both, neither };

// Whose request it is. A body that cannot be read is code-executor's to complain of.
V1Dialect v1_dialect_of(const std::string& body) {
    try {
        const dialects::Fields fields(body, telling_fields);
        const bool has_code = fields.has("code");
        if (fields.has("source")) return has_code ? V1Dialect::both : V1Dialect::piston;
        return has_code ? V1Dialect::code_executor : V1Dialect::neither;
    } catch (const wire::SyntaxError&) {
        return V1Dialect::code_executor;
    }
}

bool is_health(const config::Settings& settings, std::string_view path) {
    return http::is_beneath(path, "/health") && is_enabled(settings, "base64-jobs");
}

}  // namespace

bool is_enabled(const config::Settings& settings, std::string_view dialect) {
    const auto& enabled = settings.dialects.enabled;
    return std::ranges::find(enabled, dialect) != enabled.end();
}

bool has_mini_piston(const config::Settings& settings) {
    return is_enabled(settings, "mini-piston");
}

bool has_base64_jobs(const config::Settings& settings) {
    return is_enabled(settings, "base64-jobs");
}

bool has_either(const config::Settings& settings) {
    return has_mini_piston(settings) || has_base64_jobs(settings);
}

bool is_base64_jobs(const config::Settings& settings, std::string_view path) {
    if (http::is_beneath(path, "/base64-jobs") || is_health(settings, path)) return true;
    return settings.dialects.execute == config::ExecuteOf::base64_jobs &&
           http::is_beneath(path, "/execute");
}

void mini_piston_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    execute(context, exchange, mini);
}

void base64_jobs_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    execute(context, exchange, base64);
}

void either_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    const auto policy = context.policy.get();
    const bool is_base64 = policy->settings.dialects.execute == config::ExecuteOf::base64_jobs;
    if (!is_enabled(policy->settings, is_base64 ? "base64-jobs" : "mini-piston"))
        return exchange->answer(message(404, "Not Found"));
    execute(context, exchange, is_base64 ? base64 : mini);
}

void v1_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    const auto policy = context.policy.get();
    if (!is_enabled(policy->settings, "code-executor")) return facade_v1_execute(context, exchange);
    switch (v1_dialect_of(exchange->request().body)) {
        case V1Dialect::piston:
            return facade_v1_execute(context, exchange);
        case V1Dialect::code_executor:
            return execute(context, exchange, executor);
        case V1Dialect::both:
            return exchange->answer(undecided(
                "source is a field of Piston's first API and code is one of code-executor: send "
                "one of them"));
        case V1Dialect::neither:
            return exchange->answer(
                undecided("code is required, or source for Piston's first API"));
    }
}

void health(Context&, const std::shared_ptr<http::Exchange>& exchange) {
    exchange->answer(
        json(200, std::string{R"({"status":"healthy","version":")"} + engine_version + "\"}"));
}

}  // namespace resources
