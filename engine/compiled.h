// A job after its compile stage: what its directory held, to be run any number of times.
#pragma once

#include <optional>

#include "engine/result.h"
#include "isolate/tree.h"

namespace engine {

struct Compiled {
    std::optional<StageResult> stage;   // only if the runtime has a compile stage
    std::optional<isolate::Tree> tree;  // only if that passed

    bool passed() const { return !stage || stage->passed(); }
};

}  // namespace engine
