#include "engine/engine.h"

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>

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
void log_job(const Job& job, const JobResult& result) {
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
         {"queued_ms", milliseconds(result.queued)}});
}

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

JobResult Engine::execute(const Job& job, Events& events, std::stop_token stop,
                          isolate::Steering* steering) {
    const auto asked = steady_clock::now();
    auto execution = Execution(pool_.lease(stop), job, events, stop, steering);
    auto result = JobResult{.runtime = job.runtime, .compile = {}, .run = {}, .queued = {}};
    result.queued = duration_cast<microseconds>(steady_clock::now() - asked) + job.waited;
    if (job.runtime->compiled()) result.compile = execution.run(Stage::compile);
    if (!result.compile || result.compile->passed()) result.run = execution.run(Stage::run);
    log_job(job, result);
    return result;
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
    const auto result = execute(canary(), nobody, std::move(stop));
    if (!result.run || !result.run->passed() || result.run->output.out != "sings\n") {
        throw sys::Error(sys::Kind::broken, "the canary job ran but did not sing");
    }
}

}  // namespace engine
