// The front door of the engine: a job in, its result out.
//
// It knows the runtimes of the moment and the pool of runners, and nothing of who asks. execute()
// may be called from any thread; it runs the whole job on the caller's.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>

#include "engine/events.h"
#include "engine/job.h"
#include "engine/result.h"
#include "engine/runtime.h"
#include "isolate/pool.h"
#include "isolate/steering.h"

namespace engine {

class Engine {
public:
    explicit Engine(isolate::Pool& pool) : pool_(pool) {}

    // Runs the job: the compile stage if there is one, then, if that passed, the run stage. Throws
    // sys::Error: invalid if the files cannot be placed, busy if stopped before it began, broken if
    // the engine failed; what the program did is in the result. With `steering` the run stage's
    // standard input goes on after the job's stdin_text, until the steering ends it.
    JobResult execute(const Job& job, Events& events, std::stop_token stop,
                      isolate::Steering* steering = nullptr);

    // The snapshot of runtimes that requests are decoded against.
    std::shared_ptr<const Runtimes> runtimes() const;
    void replace_runtimes(std::shared_ptr<const Runtimes> runtimes);

    // Runs a tiny real job on a runner. Throws sys::Error saying what is in the way.
    void prove_readiness(std::stop_token stop);

private:
    isolate::Pool& pool_;
    // A mutex, for std::atomic<std::shared_ptr> of g++ 12 races with itself: its load unlocks
    // relaxed.
    mutable std::mutex mutex_;
    std::shared_ptr<const Runtimes> runtimes_ = std::make_shared<const Runtimes>();
};

}  // namespace engine
