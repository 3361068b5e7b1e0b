// The paths of services other than Piston (api/dialects): which of them are there, and how their
// requests become jobs. All run as those of /api/v2/execute do, with the same keys, queue and
// limits of rate.
#pragma once

#include <memory>
#include <string_view>

#include "api/http/exchange.h"
#include "api/resources/context.h"

namespace resources {

// Whether dialects.enabled names it. Pure.
bool is_enabled(const config::Settings& settings, std::string_view dialect);
bool has_mini_piston(const config::Settings& settings);
bool has_base64_jobs(const config::Settings& settings);
bool has_either(const config::Settings& settings);

// True for the paths that scripts of any page could use there. Pure.
bool is_base64_jobs(const config::Settings& settings, std::string_view path);

// POST /mini-piston/execute and POST /base64-jobs/execute.
void mini_piston_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange);
void base64_jobs_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// POST /execute: that of those two which dialects.execute names; 404 if it is off.
void either_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// POST /api/v1/execute: of the first Piston's API with `source`, of code-executor with `code`.
void v1_execute(Context& context, const std::shared_ptr<http::Exchange>& exchange);

// GET /health: for those who ask so; the process answers, and nothing is tried.
void health(Context& context, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace resources
