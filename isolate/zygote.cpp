#include "isolate/zygote.h"

#include "isolate/runner.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace isolate {

namespace {

constexpr auto death_patience = std::chrono::milliseconds{2000};

}  // namespace

bool Zygote::serves(const ZygoteKey& wanted) const {
    return forks_left() > 0 && std::chrono::steady_clock::now() < until && key == wanted;
}

int Zygote::forks_left() const {
    return most_forks - forks;
}

void end_zygote(Runner& runner) {
    if (!runner.zygote) return;
    const auto pid = runner.zygote->process.pid;
    try {
        runner.tell_init(Verb::kill_stage, StageStarted{pid});
        const auto answer = runner.hear_init(death_patience);
        if (answer.verb != Verb::stage_ended || answer.as<StageEnded>().pid != pid)
            throw sys::Error(sys::Kind::broken, "init gave an unexpected answer");
    } catch (const sys::Error& error) {
        sys::log(sys::Level::warn, "zygote_not_ended",
                 {{"runner", runner.index()}, {"error", error.what()}});
        runner.mark_broken();
    }
    runner.zygote.reset();
}

}  // namespace isolate
