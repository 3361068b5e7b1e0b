// What the handlers of requests work with: references to what main owns.
#pragma once

#include <functional>

#include "api/metrics/metrics.h"
#include "api/resources/connect.h"
#include "api/resources/key_rate.h"
#include "api/resources/packages.h"
#include "api/resources/policy.h"
#include "api/resources/rate_limit.h"
#include "api/resources/readiness.h"
#include "config/settings.h"
#include "engine/admission.h"
#include "engine/engine.h"

namespace resources {

struct Context {
    engine::Engine& engine;
    engine::Admission& admission;
    Readiness& readiness;
    PackageDesk& packages;
    Connections& connections;
    const Standing& policy;
    RateLimit& rate_limit;
    KeyRates& key_rates;
    metrics::Metrics& meter;
    const std::function<metrics::Levels()> levels;
};

}  // namespace resources
