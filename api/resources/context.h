// What the handlers of requests work with: references to what main owns.
#pragma once

#include "api/resources/packages.h"
#include "api/resources/readiness.h"
#include "engine/admission.h"
#include "engine/engine.h"

namespace resources {

struct Context {
    engine::Engine& engine;
    engine::Admission& admission;
    Readiness& readiness;
    PackageDesk& packages;
};

}  // namespace resources
