// The front door of the engine: a job in, its result out.
//
// It knows the runtimes of the moment and the pool of runners, and nothing of who asks. execute()
// may be called from any thread; it runs the whole job on the caller's.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>
#include <vector>

#include "engine/compile_cache.h"
#include "engine/compiled.h"
#include "engine/events.h"
#include "engine/execution.h"
#include "engine/job.h"
#include "engine/observer.h"
#include "engine/result.h"
#include "engine/runtime.h"
#include "engine/warm.h"
#include "isolate/pool.h"
#include "isolate/steering.h"

namespace engine {

class Engine {
public:
    // With a warmer, which must live as long, jobs may find their program started; with a cache,
    // likewise, what came of compiling the same.
    explicit Engine(isolate::Pool& pool, Observer observer = {}, Warmer* warmer = nullptr,
                    CompileCache* cache = nullptr)
        : pool_(pool), observer_(std::move(observer)), warmer_(warmer), cache_(cache) {}

    // Runs the job: the compile stage if there is one, then, if that passed, the run stage. Throws
    // sys::Error: invalid if the files cannot be placed, busy if stopped before it began, broken if
    // the engine failed; what the program did is in the result. With `steering` the run stage's
    // standard input goes on after the job's stdin_text, until the steering ends it. The observer
    // has been told of the job's end when this returns or throws; what it throws is thrown.
    JobResult execute(const Job& job, Events& events, std::stop_token stop,
                      isolate::Steering* steering = nullptr);

    // The same for whoever makes one job of several of the calls below: `run` fills in the result,
    // and the observer is told of one job.
    JobResult observed(const Job& job, const std::function<void(JobEnd&)>& run);

    // The compile stage alone, if there is one, and what it left in the job's directory. Throws as
    // execute() does, and sys::Error{invalid} if it left more than a box of the job may hold.
    Compiled compile(const Job& job, Events& events, std::stop_token stop);

    // The run stage alone, in a new box with those files, and `more` beside them; `compiled` must
    // have passed. Throws as execute() does.
    StageResult run_compiled(const Job& job, const Compiled& compiled,
                             const std::vector<File>& more, std::stop_token stop);

    // The snapshot of runtimes that requests are decoded against.
    std::shared_ptr<const Runtimes> runtimes() const;
    void replace_runtimes(std::shared_ptr<const Runtimes> runtimes);

    // Programs that stand ready for jobs.
    int parked() const { return warmer_ ? warmer_->parked() : 0; }
    // What starting them has taken, of those that were used and those that were not.
    std::chrono::microseconds warm_cpu_time() const {
        return warmer_ ? warmer_->cpu_time() : std::chrono::microseconds{0};
    }

    // How often compile stages were found kept.
    CompileCache::Counts kept() const { return cache_ ? cache_->counts() : CompileCache::Counts{}; }

    // Runs a tiny real job on a runner. Throws sys::Error saying what is in the way.
    void prove_readiness(std::stop_token stop);

private:
    // Of a job's compile stage, before it begins.
    struct Known {
        std::optional<CompileKey> key;    // if what comes of it may be kept
        std::optional<KeptCompile> kept;  // if it was
    };

    void run(const Job& job, Events& events, std::stop_token stop, isolate::Steering* steering,
             JobEnd& end);
    std::optional<Execution> begin_warm(const Job& job, Events& events, std::stop_token stop,
                                        isolate::Steering* steering, Start& how);
    Execution begin(const Job& job, Events& events, const std::stop_token& stop);
    Known look_up(const Job& job);
    StageResult compile(Execution& execution, const Job& job, const Known& known,
                        const Recorder& recorder);
    void keep(const Job& job, const CompileKey& key, const KeptCompile& kept);

    isolate::Pool& pool_;
    const Observer observer_;
    Warmer* const warmer_;
    CompileCache* const cache_;
    // A mutex, for std::atomic<std::shared_ptr> of g++ 12 races with itself: its load unlocks
    // relaxed.
    mutable std::mutex mutex_;
    std::shared_ptr<const Runtimes> runtimes_ = std::make_shared<const Runtimes>();
};

}  // namespace engine
