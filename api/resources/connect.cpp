#include "api/resources/connect.h"

#include <algorithm>
#include <array>
#include <stop_token>
#include <string>
#include <utility>

#include "api/resources/answer.h"
#include "api/resources/backlog.h"
#include "api/resources/caller.h"
#include "api/resources/context.h"
#include "api/wire/connect.h"
#include "api/wire/job.h"
#include "api/wire/problem.h"
#include "api/ws/handshake.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace resources {

namespace {

using http::Clock;

void close(ws::Link& link, const wire::Close& how) {
    link.close(how.code, how.reason);
}

void tell_error(ws::Link& link, const std::exception& error, const std::string& id) {
    const auto problem = wire::problem_of(error, id);
    if (problem.status >= 500)
        sys::log(sys::Level::error, "job_broken", {{"id", id}, {"error", error.what()}});
    const auto text = problem.status >= 500 ? "the engine failed; the log has it under " + id
                                            : std::string{error.what()};
    const auto& how = wire::notified_error;
    link.close(how.code, how.reason, wire::typed_object("error", wire::error_fields(text)));
}

// What the hall's thread and the job's thread share.
struct Conversation {
    Conversation(Context& where, std::shared_ptr<ws::Link> way)
        : context(where), settings(where.policy.get()->settings.websocket), link(std::move(way)) {}

    // Not before there is a job: it costs a descriptor.
    void make_steering() {
        steering = std::make_shared<isolate::Steering>(settings.input_buffer,
                                                       [weak = std::weak_ptr{link}] {
                                                           if (const auto there = weak.lock())
                                                               there->hold_input(false);
                                                       });
        release_when_drained(*link, steering);
    }

    void touch() { last_sign = Clock::now(); }

    Context& context;
    const config::WebSocket settings;  // as they were when the client came
    const std::shared_ptr<ws::Link> link;
    std::shared_ptr<isolate::Steering> steering;  // of the job; null before
    std::stop_source gone;
    std::atomic<Clock::time_point> last_sign = Clock::now();
    std::atomic<bool> is_over = false;
};

// What the job does, told as it happens; on the job's thread.
class Told : public engine::Events {
public:
    explicit Told(Conversation& conversation) : conversation_(conversation) {}

    void started(const engine::Runtime& runtime) override {
        send("runtime", wire::runtime_fields(runtime));
    }

    void stage_started(engine::Stage stage) override {
        joiners_ = {};
        send("stage", wire::stage_fields(stage));
    }

    void output(engine::Stage, engine::Stream stream, std::string_view bytes) override {
        send_text(stream, joiners_[stream == engine::Stream::out ? 0 : 1].take(bytes));
    }

    void stage_ended(engine::Stage stage, const engine::StageResult& result) override {
        if (result.verdict != engine::Verdict::too_much_stdout)
            send_text(engine::Stream::out, joiners_[0].rest());
        if (result.verdict != engine::Verdict::too_much_stderr)
            send_text(engine::Stream::err, joiners_[1].rest());
        send("exit", wire::exit_fields(stage, result));
    }

private:
    void send_text(engine::Stream stream, const std::string& text) {
        if (text.empty()) return;
        const auto name = wire::stream_name(stream);
        send("data",
             std::string{R"("stream":")"}.append(name).append("\",") + wire::data_fields(text));
    }

    void send(std::string_view type, const std::string& fields) {
        conversation_.touch();
        conversation_.link->send(wire::typed_object(type, fields));
        hold_if_behind(*conversation_.link, *conversation_.steering);
    }

    Conversation& conversation_;
    std::array<wire::CharacterJoiner, 2> joiners_;
};

// One of the places for interactive jobs, until it is dropped.
class Place {
public:
    Place(Connections& connections, int most) : connections_(&connections) {
        if (connections.enter(most)) return;
        throw sys::Error(sys::Kind::busy,
                         "there are as many interactive jobs as may run at once: " +
                             std::to_string(most) + " (websocket.max_jobs)");
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { connections_->leave(); }

private:
    Connections* connections_;
};

// On a slot's thread, of which it is the top.
void run(Conversation& conversation, const engine::Job& job, std::shared_ptr<Place> place) {
    auto& link = *conversation.link;
    try {
        Told told{conversation};
        conversation.context.engine.execute(job, told, conversation.gone.get_token(),
                                            conversation.steering.get());
        // First, so that whoever comes back at once finds it free.
        place.reset();
        close(link, wire::job_completed);
    } catch (const std::exception& error) {
        place.reset();
        tell_error(link, error, job.id);
    }
    conversation.is_over = true;
}

class Guest : public ws::Visitor {
public:
    Guest(Context& context, engine::Ticket ticket, engine::Asker asker,
          std::shared_ptr<ws::Link> link)
        : conversation_(std::make_shared<Conversation>(context, std::move(link))),
          ticket_(std::move(ticket)),
          asker_(std::move(asker)) {}

    void on_message(ws::Message message) override {
        if (is_closing_ || conversation_->is_over) return;
        conversation_->touch();
        try {
            const auto decoded = wire::decode_client_message(message.data);
            std::visit([&](const auto& said) { take(said, message.data); }, decoded);
        } catch (const std::exception& error) {
            is_closing_ = true;
            conversation_->context.meter.rejected(error);
            tell_error(*conversation_->link, error, id_);
            conversation_->gone.request_stop();
        }
    }

    void on_tick(Clock::time_point now) override {
        const auto& settings = conversation_->settings;
        if (!has_begun_ && now - began_ > settings.init_timeout) end(wire::initialization_timeout);
        if (has_begun_ && !conversation_->is_over &&
            now - conversation_->last_sign.load() > settings.idle_timeout)
            end(wire::idle_timeout);
    }

    void on_end() override { conversation_->gone.request_stop(); }

private:
    void end(const wire::Close& how) {
        if (std::exchange(is_closing_, true)) return;
        close(*conversation_->link, how);
        conversation_->gone.request_stop();
    }

    void take(const wire::Ignored&, const std::string&) {}

    void take(const wire::Init& init, const std::string& text) {
        if (has_begun_) return end(wire::already_initialized);
        auto& context = conversation_->context;
        const auto& settings = conversation_->settings;
        auto job =
            std::make_shared<engine::Job>(wire::decode_job(text, *context.engine.runtimes()));
        if (job->grading)
            throw sys::Error(sys::Kind::invalid, "tests are for POST /api/v2/execute");
        id_ = job->id = new_id();
        job->asker = asker_;
        job->stdin_text.clear();  // it comes in messages of its own
        job->terminal = init.terminal;
        job->keep_output = false;
        job->limits.compile.output = job->limits.run.output = settings.output_limit;
        // Who waits for people needs more time than a program by itself; who asked for less gets
        // that.
        auto& wall_time = job->limits.run.wall_time;
        if (wall_time == job->runtime->limits.run.wall_time)
            wall_time = std::max(wall_time, settings.run_timeout);
        conversation_->make_steering();
        auto place = std::make_shared<Place>(context.connections, settings.max_jobs);
        ticket_.size = config::Bytes{text.size()};
        ticket_.gone = conversation_->gone.get_token();
        context.admission.submit(
            ticket_, [conversation = conversation_, job, place = std::move(place)]() mutable {
                run(*conversation, *job, std::move(place));
            });
        has_begun_ = true;
    }

    void take(const wire::Data& data, const std::string&) {
        if (!has_begun_) return end(wire::not_yet_initialized);
        if (!data.is_stdin) return end(wire::only_stdin);
        // Held first: by the time that write() has said "too much", there may be room again.
        auto& link = *conversation_->link;
        link.hold_input(true);
        if (conversation_->steering->write(data.bytes)) link.hold_input(false);
        if (data.is_end) conversation_->steering->end_input();
    }

    void take(const wire::Signal& signal, const std::string&) {
        if (!has_begun_) return end(wire::not_yet_initialized);
        if (!signal.number) return end(wire::invalid_signal);
        conversation_->steering->signal(*signal.number);
    }

    void take(const wire::Resize& resize, const std::string&) {
        if (!has_begun_) return end(wire::not_yet_initialized);
        conversation_->steering->resize(resize.size);
    }

    const std::shared_ptr<Conversation> conversation_;
    engine::Ticket ticket_;
    const engine::Asker asker_;
    const Clock::time_point began_ = Clock::now();
    std::string id_;
    bool has_begun_ = false;
    bool is_closing_ = false;
};

}  // namespace

bool Connections::enter(int most) {
    if (jobs_.fetch_add(1) < most) return true;
    --jobs_;
    return false;
}

void connect(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    if (!ws::is_asked_for(exchange->request()))
        return exchange->answer(http::problem(404, "Not Found"));
    auto opened = ws::shake_hands(exchange->request());
    if (auto* const refusal = std::get_if<http::Response>(&opened))
        return exchange->answer(std::move(*refusal));
    const auto policy = context.policy.get();
    const auto ticket = ticket_of(exchange->request(), *policy);
    const auto asker = asker_of(exchange->request(), *policy);
    const auto greet = [&context, ticket, asker](std::shared_ptr<ws::Link> link) {
        return std::make_unique<Guest>(context, ticket, asker, std::move(link));
    };
    const bool taken = exchange->upgrade(
        std::get<std::string>(std::move(opened)), [&context, greet](http::Upgraded upgraded) {
            context.connections.hall().enter(std::move(upgraded), greet);
        });
    if (!taken) exchange->answer(http::problem(400, "a WebSocket cannot be opened here"));
}

}  // namespace resources
