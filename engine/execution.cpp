#include "engine/execution.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "engine/classify.h"
#include "engine/collector.h"
#include "engine/command.h"

namespace engine {

namespace {

using isolate::Cause;

constexpr const char* code_copy = "code.code";
constexpr const char* argument_file = "args.args";

// What a stage may take of the time of the whole job; a stage that is begun may take a moment.
config::Milliseconds within(config::Milliseconds own, config::Milliseconds total,
                            std::chrono::microseconds used) {
    if (total == config::unlimited_time) return own;
    const auto left = total - std::chrono::duration_cast<config::Milliseconds>(used);
    return std::min(own, std::max(left, config::Milliseconds{1}));
}

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

void place_files(isolate::Box& box, const Job& job) {
    bool has_copy = false;
    bool has_arguments = false;
    const std::string* main = nullptr;
    for (const auto& file : job.files) {
        box.place(file.name, file.content);
        has_copy = has_copy || file.name == code_copy;
        has_arguments = has_arguments || file.name == argument_file;
        if (!main && file.is_code) main = &file.content;
    }
    if (main && !has_copy) box.place(code_copy, *main);
    if (!has_arguments) box.place(argument_file, argument_lines(job));
}

void place_scripts(isolate::Box& box, const Job& job) {
    if (needs_shell(job, Stage::run)) box.place_script("run", script_text(job.runtime->run));
    if (job.runtime->compiled() && needs_shell(job, Stage::compile)) {
        box.place_script("compile", script_text(*job.runtime->compile));
    }
}

}  // namespace

Execution::Execution(isolate::Lease lease, const Job& job, Events& events, std::stop_token stop,
                     isolate::Steering* steering)
    : job_(job),
      events_(events),
      stop_(std::move(stop)),
      steering_(steering),
      box_(std::move(lease), box_size(job)) {
    place_files(box_, job_);
    place_scripts(box_, job_);
}

Execution::Execution(isolate::Box box, Started started, const Job& job, Events& events,
                     std::stop_token stop, isolate::Steering* steering)
    : job_(job),
      events_(events),
      stop_(std::move(stop)),
      steering_(steering),
      box_(std::move(box)),
      started_(std::move(started)) {}

std::optional<Execution> Execution::begin_warm(std::unique_ptr<isolate::Parked> parked,
                                               const Job& job, Events& events, std::stop_token stop,
                                               isolate::Steering* steering) {
    const auto since = std::chrono::steady_clock::now();
    place_files(parked->box(), job);
    place_scripts(parked->box(), job);
    if (!parked->let_go()) return std::nullopt;
    auto process = parked->take_process();
    return Execution{
        parked->take_box(), {std::move(process), since}, job, events, std::move(stop), steering};
}

Execution::Execution(isolate::Box box, const Job& job, const isolate::Tree& tree, Company company)
    : job_(job),
      events_(company.events),
      stop_(std::move(company.stop)),
      steering_(company.steering),
      box_(std::move(box)) {
    place_tree(tree);
}

void Execution::place_tree(const isolate::Tree& tree) {
    const bool has_arguments = std::ranges::any_of(
        job_.files, [](const auto& file) { return file.name == argument_file; });
    if (!has_arguments) box_.place(argument_file, argument_lines(job_));
    for (const auto& entry : tree) {
        if (entry.name != argument_file || has_arguments) box_.place(entry);
    }
    place_scripts(box_, job_);
}

// Starts the stage and sees it to its end; what it writes is told, and kept if the job wants that.
isolate::Exit Execution::watch(Stage stage, const isolate::Command& command, Output& kept) {
    const auto began = started_ ? started_->since : std::chrono::steady_clock::now();
    auto process = started_ ? std::move(started_->process) : box_.start(command);
    started_.reset();
    if (!began_) {
        began_ = std::chrono::steady_clock::now();
        events_.started(*job_.runtime);
    }
    events_.stage_started(stage);
    Collector collector{kept};
    const auto sink = [&](isolate::Stream stream, std::string_view bytes) {
        const auto told = stream == isolate::Stream::standard_out ? Stream::out : Stream::err;
        if (job_.keep_output) collector.take(told, bytes);
        events_.output(stage, told, bytes);
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
    return run(stage, command_of(job_, stage));
}

StageResult Execution::run(Stage stage, const isolate::Command& wanted) {
    auto command = wanted;
    command.limits.wall_time = within(command.limits.wall_time, job_.total_time, used_);
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
    used_ += exit.wall_time;
    result.cpu_time = usage.cpu_time;
    result.memory = usage.memory;
    events_.stage_ended(stage, result);
    return result;
}

// It takes of the job's time what it took when it ran, so that the run stage has what is left then.
StageResult Execution::retell(const KeptCompile& kept) {
    box_.check();
    began_ = std::chrono::steady_clock::now();
    events_.started(*job_.runtime);
    used_ += kept.wall_time;
    return engine::retell(kept, job_, events_);
}

// Nothing of it is told: it is ours, not the job's. Its bounds are ours as well, but for memory,
// in which what the box holds counts.
isolate::Tree Execution::tree(config::Bytes most, std::uint32_t most_entries) {
    constexpr auto patience = config::Milliseconds{10'000};
    constexpr auto entry_bytes = sizeof(isolate::EntryHead) + isolate::max_entry_name;
    auto limits = job_.limits.compile;
    limits.wall_time = limits.cpu_time = patience;
    limits.processes = std::max(limits.processes, 8);
    limits.open_files = std::max(limits.open_files, 256);
    limits.output = {most.count + entry_bytes * most_entries};
    const isolate::Command command{
        .argv = {"/crankcase/init", std::string{isolate::pack_word}},
        .environment = {},
        .limits = limits,
        .layers = job_.runtime->layers ? *job_.runtime->layers : std::vector<std::string>{}};
    std::string bytes;
    std::string complaint;
    const auto sink = [&](isolate::Stream stream, std::string_view chunk) {
        (stream == isolate::Stream::standard_out ? bytes : complaint).append(chunk);
    };
    const auto began = std::chrono::steady_clock::now();
    const auto exit = isolate::supervise(
        box_.start(command), box_.runner(),
        {.limits = limits, .standard_in = "", .sink = sink, .stop = stop_, .began = began});
    const auto usage = box_.runner().cgroup().end();
    const auto verdict = classify(exit, usage, limits);
    if (verdict == Verdict::broken) throw sys::Error(sys::Kind::broken, what_broke(exit));
    if (verdict == Verdict::canceled)
        throw sys::Error(sys::Kind::busy, "nobody waits for this job any more");
    if (verdict == Verdict::failed && !complaint.empty()) {
        throw sys::Error(sys::Kind::invalid, "what was compiled cannot be taken to its tests: " +
                                                 complaint.substr(0, complaint.find('\n')));
    }
    auto tree = verdict == Verdict::passed ? isolate::read_tree(bytes) : std::nullopt;
    if (!tree) {
        throw sys::Error(sys::Kind::invalid,
                         "what was compiled cannot be taken to its tests: it is too much (" +
                             std::string{name(verdict)} + ")");
    }
    return std::move(*tree);
}

}  // namespace engine
