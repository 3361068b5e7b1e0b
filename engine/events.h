// The one upward path during a run: what is told while a job runs.
#pragma once

#include <string_view>

#include "engine/result.h"
#include "engine/runtime.h"

namespace engine {

enum class Stage { compile, run };
enum class Stream { out, err };

// Called on the job's own thread. Implementations must not block.
class Events {
public:
    virtual ~Events() = default;
    // The box is ready and the files are in it: once, before everything else. A job whose files
    // cannot be placed never gets here.
    virtual void started(const Runtime&) {}
    virtual void stage_started(Stage) {}
    virtual void output(Stage, Stream, std::string_view /*bytes*/) {}
    // All its output has been told. Of a stage that broke nothing is told but the exception.
    virtual void stage_ended(Stage, const StageResult&) {}
};

}  // namespace engine
