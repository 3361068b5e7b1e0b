// From what the kernel says to what it means: the one place where a verdict is decided.
#pragma once

#include "config/limits.h"
#include "engine/verdict.h"
#include "isolate/cgroup.h"
#include "isolate/supervise.h"

namespace engine {

// Names why a stage ended. Pure and total. A process killed for memory outranks everything, for
// whatever followed may be its consequence; then the supervisor's own reasons; a program that ended
// by itself but used more than it was allowed has still passed the limit.
Verdict classify(const isolate::Exit& exit, const isolate::Usage& usage,
                 const config::Limits& limits);

}  // namespace engine
