#include "engine/execution.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/classify.h"
#include "engine/command.h"

namespace engine {

namespace {

using isolate::Cause;

constexpr const char* code_copy = "code.code";
constexpr const char* argument_file = "args.args";

struct BoxSize {
    config::Bytes bytes;
    int entries;
};

// One box for both stages: the larger of their disk limits. It must fit into the memory of either
// stage with room to run: a box filled to the brim would otherwise turn every later stage into an
// out-of-memory.
BoxSize box_size(const Job& job) {
    const auto& run = job.limits.run;
    const auto& compile = job.runtime->compiled() ? job.limits.compile : run;
    const auto memory = std::min(compile.memory, run.memory).count;
    return {{std::min(std::max(compile.disk, run.disk).count, memory - memory / 4)},
            std::max(compile.disk_entries, run.disk_entries)};
}

constexpr std::size_t large_chunk = std::size_t{1} << 16;
constexpr std::size_t large_output = std::size_t{1} << 20;

// Collects both streams, and their order if both are used.
class Collector {
public:
    explicit Collector(Output& output) : output_(output) {}

    void take(isolate::Stream stream, std::string_view bytes) {
        auto& own = stream == isolate::Stream::standard_out ? output_.out : output_.err;
        const auto& other = stream == isolate::Stream::standard_out ? output_.err : output_.out;
        if (output_.both.empty() && !other.empty()) output_.both = other;
        if (!output_.both.empty()) output_.both.append(bytes);
        // Who fills a whole pipe at once will go on: growing by doubling would copy it all over
        // again.
        if (own.empty() && bytes.size() >= large_chunk) own.reserve(large_output);
        own.append(bytes);
    }

private:
    Output& output_;
};

// A program that cannot be executed is the program's failure, told as a shell tells it.
std::optional<int> shell_code(const isolate::Fault& fault) {
    if (fault.step != isolate::Step::execute) return std::nullopt;
    switch (fault.error) {
        case ENOENT:
        case ENOTDIR:
            return 127;
        case EACCES:
        case ENOEXEC:
        case ELOOP:
        case EISDIR:
            return 126;
        default:
            return std::nullopt;
    }
}

std::string what_broke(const isolate::Exit& exit) {
    if (exit.cause == Cause::lost)
        return "nobody saw the program end: the box's PID 1 or the runner's init was killed or "
               "stopped";
    return std::string{"cannot start the program: "} + isolate::name(exit.fault.step) + ": " +
           sys::describe(exit.fault.error);
}

}  // namespace

Execution::Execution(isolate::Lease lease, const Job& job, Events& events, std::stop_token stop,
                     isolate::Steering* steering)
    : job_(job),
      events_(events),
      stop_(std::move(stop)),
      steering_(steering),
      box_(std::move(lease), box_size(job).bytes, box_size(job).entries) {
    place_files();
}

void Execution::place_files() {
    bool has_copy = false;
    bool has_arguments = false;
    const std::string* main = nullptr;
    for (const auto& file : job_.files) {
        box_.place(file.name, file.content);
        has_copy = has_copy || file.name == code_copy;
        has_arguments = has_arguments || file.name == argument_file;
        if (!main && file.is_code) main = &file.content;
    }
    if (main && !has_copy) box_.place(code_copy, *main);
    if (!has_arguments) box_.place(argument_file, argument_lines(job_));
    if (needs_shell(job_, Stage::run)) box_.place_script("run", script_text(job_.runtime->run));
    if (job_.runtime->compiled() && needs_shell(job_, Stage::compile)) {
        box_.place_script("compile", script_text(*job_.runtime->compile));
    }
}

// Starts the stage and sees it to its end; what it writes is told, and kept if the job wants that.
isolate::Exit Execution::watch(Stage stage, const isolate::Command& command, Output& kept) {
    const auto began = std::chrono::steady_clock::now();
    auto process = box_.start(command);
    if (!std::exchange(told_started_, true)) events_.started(*job_.runtime);
    events_.stage_started(stage);
    Collector collector{kept};
    const auto sink = [&](isolate::Stream stream, std::string_view bytes) {
        if (job_.keep_output) collector.take(stream, bytes);
        const bool is_out = stream == isolate::Stream::standard_out;
        events_.output(stage, is_out ? Stream::out : Stream::err, bytes);
    };
    const bool is_run = stage == Stage::run;
    return isolate::supervise(std::move(process), box_.runner(),
                              {.limits = command.limits,
                               .standard_in = is_run ? std::string_view{job_.stdin_text} : "",
                               .sink = sink,
                               .stop = stop_,
                               .began = began,
                               .steering = steering_,
                               .input_from_steering = is_run});
}

StageResult Execution::run(Stage stage) {
    const auto command = command_of(job_, stage);
    StageResult result;
    auto exit = watch(stage, command, result.output);
    const auto usage = box_.runner().cgroup().end();

    if (const auto code = shell_code(exit.fault); exit.cause == Cause::not_started && code) {
        result.message = command.argv.front() + ": " + sys::describe(exit.fault.error);
        exit = {.cause = Cause::own_exit, .code = *code, .fault = {}, .wall_time = exit.wall_time};
    }
    result.verdict = classify(exit, usage, command.limits);
    if (exit.cause == Cause::own_exit) result.exit_code = exit.code;
    if (exit.cause != Cause::own_exit && exit.cause != Cause::not_started)
        result.signal = exit.code;
    if (result.verdict == Verdict::broken) throw sys::Error(sys::Kind::broken, what_broke(exit));
    result.wall_time = exit.wall_time;
    result.cpu_time = usage.cpu_time;
    result.memory = usage.memory;
    events_.stage_ended(stage, result);
    return result;
}

}  // namespace engine
