#include "engine/classify.h"

#include <chrono>

namespace engine {

using isolate::Cause;

namespace {

// "Unlimited" is more milliseconds than there are microseconds in an integer.
bool exceeds(std::chrono::microseconds used, config::Milliseconds limit) {
    return limit != config::unlimited_time && used > limit;
}

}  // namespace

Verdict classify(const isolate::Exit& exit, const isolate::Usage& usage,
                 const config::Limits& limits) {
    if (usage.oom_kills > 0) return Verdict::out_of_memory;
    switch (exit.cause) {
        case Cause::wall_clock:
            return Verdict::wall_timed_out;
        case Cause::cpu_clock:
            return Verdict::cpu_timed_out;
        case Cause::standard_out:
            return Verdict::too_much_stdout;
        case Cause::standard_err:
            return Verdict::too_much_stderr;
        case Cause::canceled:
            return Verdict::canceled;
        case Cause::not_started:
        case Cause::lost:
            return Verdict::broken;
        case Cause::own_exit:
        case Cause::own_signal:
            break;
    }
    if (exceeds(usage.cpu_time, limits.cpu_time)) return Verdict::cpu_timed_out;
    if (exceeds(exit.wall_time, limits.wall_time)) return Verdict::wall_timed_out;
    if (exit.cause == Cause::own_signal) return Verdict::signaled;
    return exit.code == 0 ? Verdict::passed : Verdict::failed;
}

}  // namespace engine
