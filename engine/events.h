// The one upward path during a run: what is told while a job runs.
#pragma once

#include <string_view>

namespace engine {

enum class Stage { compile, run };
enum class Stream { out, err };

// Called on the job's own thread. Implementations must not block.
class Events {
public:
    virtual ~Events() = default;
    virtual void stage_started(Stage) {}
    virtual void output(Stage, Stream, std::string_view /*bytes*/) {}
};

}  // namespace engine
