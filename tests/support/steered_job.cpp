#include "tests/support/steered_job.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "tests/support/pace.h"

namespace support {

namespace {

constexpr auto patience = std::chrono::seconds{20};

std::string name(engine::Stage stage) {
    return stage == engine::Stage::compile ? "compile" : "run";
}

}  // namespace

void Recorder::started(const engine::Runtime& runtime) {
    tell("started " + runtime.language);
}

void Recorder::stage_started(engine::Stage stage) {
    tell("stage " + name(stage));
}

void Recorder::output(engine::Stage stage, engine::Stream /*stream*/, std::string_view bytes) {
    {
        const std::lock_guard lock{mutex_};
        said_ += bytes;
    }
    tell("output " + name(stage));
}

void Recorder::stage_ended(engine::Stage stage, const engine::StageResult& /*result*/) {
    tell("end " + name(stage));
}

void Recorder::tell(const std::string& what) {
    {
        const std::lock_guard lock{mutex_};
        if (told_.empty() || told_.back() != what) told_.push_back(what);
    }
    changed_.notify_all();
}

bool Recorder::wait_for(const std::function<bool()>& condition) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patiently(patience), condition);
}

bool Recorder::has_said(const std::string& text) {
    return wait_for([&] { return said_.find(text) != std::string::npos; });
}

bool Recorder::has_begun(engine::Stage stage) {
    return wait_for(
        [&] { return std::ranges::find(told_, "stage " + name(stage)) != told_.end(); });
}

std::string Recorder::said() {
    const std::lock_guard lock{mutex_};
    return said_;
}

std::vector<std::string> Recorder::told() {
    const std::lock_guard lock{mutex_};
    return told_;
}

SteeredJob::SteeredJob(engine::Engine& engine, engine::Job job, config::Bytes room,
                       std::function<void()> on_room)
    : job_(std::move(job)), steering_(room, std::move(on_room)) {
    result_ = std::async(std::launch::async, [this, &engine] {
        return engine.execute(job_, events_, stop_.get_token(), &steering_);
    });
}

SteeredJob::~SteeredJob() {
    stop_.request_stop();
    if (result_.valid()) result_.wait();
}

}  // namespace support
