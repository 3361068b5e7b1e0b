#include "isolate/self_test.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "isolate/box.h"
#include "isolate/protocol.h"
#include "isolate/supervise.h"

namespace isolate {

namespace {

using namespace config::literals;

constexpr config::Limits test_limits{.wall_time = config::Milliseconds{5000},
                                     .cpu_time = config::Milliseconds{5000},
                                     .memory = 16_MiB,
                                     .processes = 8,
                                     .open_files = 64,
                                     .file_size = 64_KiB,
                                     .disk = 64_KiB,
                                     .disk_entries = 16,
                                     .output = 4_KiB};

struct Outcome {
    Exit exit;
    Usage usage;
    std::string output;
};

Outcome run(Box& box, std::string_view word) {
    Outcome outcome;
    const auto began = std::chrono::steady_clock::now();
    auto process = box.start(
        {.argv = {"/crankcase/init", std::string{word}}, .environment = {}, .limits = test_limits});
    outcome.exit =
        supervise(std::move(process), box.runner(),
                  {.limits = test_limits,
                   .standard_in = "",
                   .sink = [&](Stream, std::string_view bytes) { outcome.output += bytes; },
                   .stop = {},
                   .began = began});
    outcome.usage = box.runner().cgroup().end();
    return outcome;
}

std::string as_sentence(std::string lines) {
    while (lines.ends_with('\n')) lines.pop_back();
    for (auto at = lines.find('\n'); at != std::string::npos; at = lines.find('\n', at))
        lines.replace(at, 1, "; ");
    return lines;
}

std::string judge_posture(const Outcome& outcome) {
    if (outcome.exit.cause == Cause::own_exit && outcome.exit.code == 0) return {};
    if (outcome.exit.cause == Cause::own_exit && !outcome.output.empty())
        return as_sentence(outcome.output);
    if (outcome.exit.cause == Cause::not_started) {
        return std::string{"the self-test did not start: "} + name(outcome.exit.fault.step) + ": " +
               sys::describe(outcome.exit.fault.error);
    }
    return "the self-test did not come to its end (" + std::to_string(outcome.exit.code) + ")";
}

std::string judge_memory(const Outcome& outcome) {
    if (outcome.usage.oom_kills > 0) return {};
    return "a program with a limit of " + config::to_string(test_limits.memory) +
           " was not killed for taking more";
}

// Dirty until proven clean, also if something throws in between.
std::string test(Lease lease, std::string_view word, std::string (*judge)(const Outcome&)) {
    lease.runner().mark_broken();
    Box box{std::move(lease), {test_limits.disk, test_limits.disk_entries}};
    auto trouble = judge(run(box, word));
    if (trouble.empty()) box.runner().mark_proven();
    return trouble;
}

}  // namespace

std::string self_test(Lease lease) {
    return test(std::move(lease), posture_word, judge_posture);
}

std::string memory_kill_test(Lease lease) {
    return test(std::move(lease), memory_word, judge_memory);
}

}  // namespace isolate
