#include "api/resources/streaming.h"

#include <array>
#include <string>
#include <string_view>

#include "api/resources/answer.h"
#include "api/resources/backlog.h"
#include "api/wire/connect.h"
#include "api/wire/grading.h"
#include "api/wire/problem.h"
#include "isolate/sys/log.h"

namespace resources {

namespace {

// No answer is shorter to compute than to look up, and none may be kept by a proxy on the way.
http::Response head() {
    return {.content_type = "text/event-stream; charset=utf-8",
            .fields = {{"Cache-Control", "no-store"}, {"X-Accel-Buffering", "no"}}};
}

// JSON has no line ends, so every event is one line of data.
std::string event(std::string_view name, std::string_view fields) {
    return std::string{"event: "}.append(name).append("\ndata: {").append(fields).append("}\n\n");
}

class EventStream : public engine::GradingEvents {
public:
    EventStream(http::Exchange& exchange, std::shared_ptr<isolate::Steering> steering)
        : exchange_(exchange), steering_(std::move(steering)) {}

    void started(const engine::Runtime& runtime) override {
        stream_ = exchange_.begin(head());
        if (stream_) release_when_drained(*stream_, steering_);
        send(event("runtime", wire::runtime_fields(runtime)));
    }

    void stage_started(engine::Stage stage) override {
        joiners_ = {};
        send(event("stage", wire::stage_fields(stage)));
    }

    void output(engine::Stage, engine::Stream stream, std::string_view bytes) override {
        send_text(stream, joiners_[stream == engine::Stream::out ? 0 : 1].take(bytes));
    }

    void stage_ended(engine::Stage stage, const engine::StageResult& result) override {
        // What was cut by a limit ends on a whole character, as in the ordinary answer.
        if (result.verdict != engine::Verdict::too_much_stdout)
            send_text(engine::Stream::out, joiners_[0].rest());
        if (result.verdict != engine::Verdict::too_much_stderr)
            send_text(engine::Stream::err, joiners_[1].rest());
        send(event("exit", wire::exit_fields(stage, result)));
    }

    void test_ended(std::size_t index, const engine::TestResult& result) override {
        send(event("test",
                   "\"index\":" + std::to_string(index) + "," + wire::test_fields_of(result)));
    }

    bool has_begun() const { return stream_ != nullptr; }

    void finish(const std::string& last) {
        send(last);
        if (stream_) stream_->finish();
    }

private:
    void send_text(engine::Stream stream, const std::string& text) {
        if (!text.empty()) send(event(wire::stream_name(stream), wire::data_fields(text)));
    }

    void send(const std::string& text) {
        if (!stream_) return;
        stream_->send(text);
        hold_if_behind(*stream_, *steering_);
    }

    http::Exchange& exchange_;
    const std::shared_ptr<isolate::Steering> steering_;
    std::shared_ptr<http::Stream> stream_;
    std::array<wire::CharacterJoiner, 2> joiners_;
};

}  // namespace

bool wants_events(const http::Request& request) {
    const auto accept = request.find_field("Accept");
    return accept.find("text/event-stream") != std::string_view::npos;
}

void run_streaming(Context& context, http::Exchange& exchange, const engine::Job& job,
                   const Manner& manner) {
    const auto steering = std::make_shared<isolate::Steering>(config::Bytes{0});
    steering->end_input();  // all of it stands in the request
    EventStream events{exchange, steering};
    try {
        const auto result = carry_out(context, exchange, job, events, steering.get());
        events.finish("event: result\ndata: " + manner.encode(result) + "\n\n");
    } catch (const std::exception& error) {
        if (!events.has_begun()) throw;
        const auto problem = manner.problem_of(error, job.id);
        if (problem.status >= 500)
            sys::log(sys::Level::error, "job_broken", {{"id", job.id}, {"error", error.what()}});
        events.finish("event: error\ndata: " + problem.body + "\n\n");
    }
}

}  // namespace resources
