#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

#include "engine/command.h"
#include "engine/execution.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace engine {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::steady_clock;

std::string milliseconds(microseconds time) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3f", static_cast<double>(time.count()) / 1000);
    return text;
}

// One line a job: what happened to it, nothing of what was in it.
void log_job(const Job& job, const JobEnd& end) {
    const auto& result = end.result;
    const auto& last = result.run ? *result.run : *result.compile;
    sys::log(
        sys::Level::info, "job",
        {{"id", job.id},
         {"runtime", job.runtime->language + "-" + job.runtime->version},
         {"stage", result.run ? "run" : "compile"},
         {"verdict", name(last.verdict)},
         {"wall_ms", milliseconds(last.wall_time)},
         {"cpu_ms", milliseconds(last.cpu_time)},
         {"compile_ms", milliseconds(result.compile ? result.compile->wall_time : microseconds{0})},
         {"memory", last.memory.count},
         {"queued_ms", milliseconds(result.queued)},
         {"start", name(end.start)},
         {"compiled", !result.compile            ? "no"
                      : result.compile->was_kept ? "before"
                                                 : "now"}});
}

// Measures until it is destroyed, however that comes.
class Stopwatch {
public:
    explicit Stopwatch(microseconds& total) : total_(total) {}
    Stopwatch(const Stopwatch&) = delete;
    Stopwatch& operator=(const Stopwatch&) = delete;
    ~Stopwatch() { total_ = time(); }

    steady_clock::time_point began() const { return began_; }
    microseconds time() const { return duration_cast<microseconds>(steady_clock::now() - began_); }

private:
    microseconds& total_;
    const steady_clock::time_point began_ = steady_clock::now();
};

// Notes how long it took to begin, and how long the stages took, however they end.
class Beginning {
public:
    Beginning(const Stopwatch& since_asked, const Execution& execution, JobEnd& end)
        : since_asked_(since_asked), execution_(execution), end_(end) {}
    Beginning(const Beginning&) = delete;
    Beginning& operator=(const Beginning&) = delete;
    ~Beginning() {
        const auto began = execution_.began();
        if (!began) return;
        end_.until_begun = duration_cast<microseconds>(*began - since_asked_.began());
        end_.executing = since_asked_.time() - *end_.until_begun;
    }

private:
    const Stopwatch& since_asked_;
    const Execution& execution_;
    JobEnd& end_;
};

// Where there is a warmer it knows that a job runs.
class RunningJob {
public:
    explicit RunningJob(Warmer* warmer) {
        if (warmer) running_.emplace(*warmer);
    }

private:
    std::optional<Warmer::Running> running_;
};

// Sized for any machine, and independent of every language package.
Job canary() {
    auto runtime = std::make_shared<Runtime>();
    runtime->language = "canary";
    runtime->version = "1.0.0";
    runtime->run.argv = {"/bin/sh", "{main}"};
    return {.id = "canary",
            .runtime = std::move(runtime),
            .files = {{.name = "canary.sh", .content = "echo sings", .is_code = true}},
            .arguments = {},
            .stdin_text = "\n",
            .limits = {}};
}

}  // namespace

// Empty if none stands ready for it: whatever the reason, it is then begun as any other.
std::optional<Execution> Engine::begin_warm(const Job& job, Events& events, std::stop_token stop,
                                            isolate::Steering* steering, Start& how) {
    if (!warmer_ || !warmer_->may_help(script_of(job, first_stage(job)).warm.kind))
        return std::nullopt;
    const auto start = warm_start_of(job);
    if (!start) return std::nullopt;
    try {
        auto parked = warmer_->take(*start);
        if (!parked) parked = warmer_->fork(*start, stop);
        if (!parked) return std::nullopt;
        how = parked->is_fork() ? Start::fork : Start::warm;
        return Execution::begin_warm(std::move(parked), job, events, std::move(stop), steering);
    } catch (const sys::Error& error) {
        if (error.kind() == sys::Kind::invalid) throw;
        sys::log(sys::Level::warn, "warm_start_lost", {{"id", job.id}, {"error", error.what()}});
        return std::nullopt;
    }
}

// By what stands ready, or in a box of a runner that waits.
Execution Engine::begin(const Job& job, Events& events, const std::stop_token& stop) {
    Start how{};
    if (auto begun = begin_warm(job, events, stop, nullptr, how)) return std::move(*begun);
    return {pool_.lease(stop), job, events, stop, nullptr};
}

Engine::Known Engine::look_up(const Job& job) {
    Known known;
    if (cache_) known.key = cache_->key_of(job);
    if (known.key) known.kept = cache_->find(*known.key);
    return known;
}

// If installing something has changed the compiler meanwhile, nobody knows which one it was.
void Engine::keep(const Job& job, const CompileKey& key, const KeptCompile& kept) {
    if (cache_->key_of(job) == key) cache_->store(key, kept);
}

// The stage in its box, and what it left there on its way to the cache: before anything else runs
// in it. That this may fail is not the job's trouble, unless its runner is gone.
StageResult Engine::compile(Execution& execution, const Job& job, const Known& known,
                            const Recorder& recorder) {
    constexpr std::uint32_t most_entries = 1024;
    auto stage = execution.run(Stage::compile);
    if (!known.key || !is_repeatable(stage, recorder.written())) return stage;
    auto kept = kept_of(stage, recorder.written());
    try {
        if (kept.passed()) kept.tree = execution.tree(cache_->most(), most_entries);
    } catch (const sys::Error& error) {
        if (error.kind() == sys::Kind::broken) throw;
        return stage;
    }
    keep(job, *known.key, kept);
    return stage;
}

// The whole engine. What came of it before something was thrown is in `end`.
void Engine::run(const Job& job, Events& events, std::stop_token stop, isolate::Steering* steering,
                 JobEnd& end) {
    const Stopwatch since_asked{end.took};
    const RunningJob running{warmer_};
    const auto known = look_up(job);
    auto& result = end.result;
    result.total_time = job.total_time;
    result.queued = job.waited;
    if (known.kept && !known.kept->passed()) {
        end.until_begun = since_asked.time();
        end.executing = microseconds{0};
        events.started(*job.runtime);
        result.compile = retell(*known.kept, job, events);
        return;
    }
    Recorder recorder{events};
    Events& told = known.key ? static_cast<Events&>(recorder) : events;
    // What was compiled before takes no compiler that stands ready.
    auto begun = known.kept ? std::nullopt : begin_warm(job, told, stop, steering, end.start);
    end.was_ready = begun.has_value();
    if (!begun) {
        end.start = Start::cold;
        auto lease = pool_.lease(stop);
        end.was_ready = lease.was_ready();
        if (known.kept) {
            begun.emplace(isolate::Box{std::move(lease), box_size(job)}, job, known.kept->tree,
                          Execution::Company{events, std::move(stop), steering});
        } else {
            begun.emplace(std::move(lease), job, told, std::move(stop), steering);
        }
    }
    auto& execution = *begun;
    result.queued += since_asked.time();
    const Beginning beginning{since_asked, execution, end};
    if (known.kept) {
        result.compile = execution.retell(*known.kept);
    } else if (job.runtime->compiled()) {
        result.compile = compile(execution, job, known, recorder);
    }
    if (!result.compile || result.compile->passed()) result.run = execution.run(Stage::run);
}

JobResult Engine::observed(const Job& job, const std::function<void(JobEnd&)>& run) {
    if (observer_.admit) observer_.admit(job);
    JobEnd end{.result = {.runtime = job.runtime, .compile = {}, .run = {}, .queued = {}}};
    try {
        run(end);
    } catch (const std::exception& error) {
        const auto* const known = dynamic_cast<const sys::Error*>(&error);
        end.trouble = known ? known->kind() : sys::Kind::broken;
        if (observer_.ended) observer_.ended(job, end);
        throw;
    }
    if (!job.grading) log_job(job, end);  // which says more of its own
    if (observer_.ended) observer_.ended(job, end);
    return std::move(end.result);
}

JobResult Engine::execute(const Job& job, Events& events, std::stop_token stop,
                          isolate::Steering* steering) {
    return observed(job, [&](JobEnd& end) { run(job, events, std::move(stop), steering, end); });
}

Compiled Engine::compile(const Job& job, Events& events, std::stop_token stop) {
    Compiled compiled;
    if (!job.runtime->compiled()) return compiled;
    auto known = look_up(job);
    if (known.kept) {
        events.started(*job.runtime);
        compiled.stage = retell(*known.kept, job, events);
        if (compiled.passed()) compiled.tree = std::move(known.kept->tree);
        return compiled;
    }
    const RunningJob running{warmer_};
    Recorder recorder{events};
    auto execution = begin(job, recorder, stop);
    compiled.stage = execution.run(Stage::compile);
    if (compiled.passed()) {
        // Where the disk has no limit, what the daemon will hold has one.
        const auto disk = std::max(job.limits.compile.disk.count, job.limits.run.disk.count);
        compiled.tree = execution.tree({std::min<std::uint64_t>(disk, isolate::max_payload)});
    }
    if (known.key && is_repeatable(*compiled.stage, recorder.written())) {
        auto kept = kept_of(*compiled.stage, recorder.written());
        if (compiled.tree) kept.tree.swap(*compiled.tree);
        keep(job, *known.key, kept);
        if (compiled.tree) kept.tree.swap(*compiled.tree);
    }
    return compiled;
}

StageResult Engine::run_compiled(const Job& job, const Compiled& compiled,
                                 const std::vector<File>& more, std::stop_token stop) {
    Events nobody;
    const RunningJob running{warmer_};
    // What stands ready is a job's first stage, and has all its files when it goes on.
    const bool may_be_ready = more.empty() && !job.runtime->compiled();
    const auto begun = [&]() -> Execution {
        if (may_be_ready) return begin(job, nobody, stop);
        if (!compiled.tree) return {pool_.lease(stop), job, nobody, stop, nullptr};
        return {isolate::Box{pool_.lease(stop), run_box_size(job)}, job, *compiled.tree,
                Execution::Company{nobody, stop}};
    };
    auto execution = begun();
    for (const auto& file : more) execution.place(file);
    return execution.run(Stage::run);
}

std::shared_ptr<const Runtimes> Engine::runtimes() const {
    const std::lock_guard lock{mutex_};
    return runtimes_;
}

void Engine::replace_runtimes(std::shared_ptr<const Runtimes> runtimes) {
    const std::lock_guard lock{mutex_};
    runtimes_.swap(runtimes);
}

void Engine::prove_readiness(std::stop_token stop) {
    Events nobody;
    const auto job = canary();
    JobEnd end{.result = {.runtime = job.runtime, .compile = {}, .run = {}, .queued = {}}};
    // The observer is not told: nobody asked for this job.
    run(job, nobody, std::move(stop), nullptr, end);
    const auto& result = end.result;
    if (!result.run || !result.run->passed() || result.run->output.out != "sings\n") {
        throw sys::Error(sys::Kind::broken, "the canary job ran but did not sing");
    }
}

}  // namespace engine
