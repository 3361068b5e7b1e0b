// A job that runs on a thread of its own while the test steers it and reads along.
#pragma once

#include <condition_variable>
#include <future>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "isolate/steering.h"

namespace support {

// Records what is told, and lets a test wait for it.
class Recorder : public engine::Events {
public:
    void started(const engine::Runtime& runtime) override;
    void stage_started(engine::Stage stage) override;
    void output(engine::Stage stage, engine::Stream stream, std::string_view bytes) override;
    void stage_ended(engine::Stage stage, const engine::StageResult& result) override;

    // True as soon as the output of both streams, in order of arrival, contains the text; false if
    // that takes 20 s.
    bool has_said(const std::string& text);
    bool has_begun(engine::Stage stage);
    std::string said();
    std::vector<std::string> told();  // "started plain", "stage run", "output run", "end run"

private:
    void tell(const std::string& what);
    bool wait_for(const std::function<bool()>& condition);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::string said_;
    std::vector<std::string> told_;  // the same thing twice in a row once
};

class SteeredJob {
public:
    SteeredJob(engine::Engine& engine, engine::Job job, config::Bytes room = {65536},
               std::function<void()> on_room = {});
    SteeredJob(const SteeredJob&) = delete;
    SteeredJob& operator=(const SteeredJob&) = delete;
    ~SteeredJob();

    isolate::Steering& steering() { return steering_; }
    Recorder& events() { return events_; }
    bool says(const std::string& text) { return events_.has_said(text); }
    void stop() { stop_.request_stop(); }
    engine::JobResult result() { return result_.get(); }  // waits; once

private:
    engine::Job job_;
    isolate::Steering steering_;
    Recorder events_;
    std::stop_source stop_;
    std::future<engine::JobResult> result_;
};

}  // namespace support
