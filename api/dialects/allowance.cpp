#include "api/dialects/allowance.h"

#include <algorithm>
#include <utility>

#include "api/wire/json_text.h"

namespace dialects {

namespace {

using engine::Verdict;

constexpr int timed_out_code = 124;  // as timeout(1) has it
constexpr int killed_code = 137;     // a shell's word for SIGKILL
constexpr int signal_base = 128;

int exit_code_of(const engine::StageResult& stage) {
    switch (stage.verdict) {
        case Verdict::wall_timed_out:
        case Verdict::cpu_timed_out:
            return timed_out_code;
        case Verdict::out_of_memory:
        case Verdict::too_much_stdout:
        case Verdict::too_much_stderr:
        case Verdict::canceled:
        case Verdict::broken:
            return killed_code;
        case Verdict::signaled:
            return signal_base + stage.signal.value_or(0);
        case Verdict::passed:
        case Verdict::failed:
            return stage.exit_code.value_or(killed_code);
    }
    __builtin_unreachable();
}

// A stream that its limit cut ends on a whole character.
std::string text_of(const std::string& stream, bool was_cut) {
    return was_cut ? std::string{wire::complete_characters(stream)} : stream;
}

}  // namespace

engine::Job job_within(std::shared_ptr<const engine::Runtime> runtime, engine::File file,
                       const Allowance& allowance) {
    engine::Job job;
    job.limits = runtime->limits;
    job.runtime = std::move(runtime);
    job.files.push_back(std::move(file));
    job.total_time = allowance.time;
    for (auto* stage : {&job.limits.compile, &job.limits.run}) {
        stage->wall_time = allowance.time;
        stage->cpu_time = config::unlimited_time;
        stage->cpu_percent = allowance.cpu_percent;
        stage->disk = allowance.disk.value_or(stage->disk);
    }
    job.limits.compile.memory = std::max(job.limits.compile.memory, allowance.memory);
    job.limits.run.memory = allowance.memory;
    return job;
}

bool Outcome::timed_out() const {
    return verdict == Verdict::wall_timed_out || verdict == Verdict::cpu_timed_out;
}

Outcome outcome_of(const engine::JobResult& result) {
    const auto& last = result.run ? *result.run : *result.compile;
    return {
        .out = text_of(last.output.out, last.verdict == Verdict::too_much_stdout),
        .err = text_of(last.output.err, last.verdict == Verdict::too_much_stderr),
        .exit_code = exit_code_of(last),
        .compiled = result.run.has_value(),
        .verdict = last.verdict,
        .wall_time = last.wall_time + (result.run && result.compile ? result.compile->wall_time
                                                                    : std::chrono::microseconds{0}),
        .memory = last.memory,
    };
}

}  // namespace dialects
