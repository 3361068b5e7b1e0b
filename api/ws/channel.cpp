#include "api/ws/channel.h"

#include <wslay/wslay.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <new>
#include <utility>

namespace ws {

namespace {

using namespace std::literals;

constexpr auto empty_close = "\x88\x00"sv;
constexpr auto protocol_error_close = "\x88\x02\x03\xea"sv;  // 1002

}  // namespace

// What wslay is given as its user data; everything in it under the mutex.
class Channel::State {
public:
    State(config::Bytes most, std::function<void(std::string)> write) : write_(std::move(write)) {
        const auto callbacks = wslay_event_callbacks{
            .recv_callback = take,
            .send_callback = give,
            .genmask_callback = nullptr,  // a server does not mask
            .on_frame_recv_start_callback = nullptr,
            .on_frame_recv_chunk_callback = nullptr,
            .on_frame_recv_end_callback = nullptr,
            .on_msg_recv_callback = on_message,
        };
        if (::wslay_event_context_server_init(&context_, &callbacks, this) != 0)
            throw std::bad_alloc();
        ::wslay_event_config_set_max_recv_msg_length(context_, most.count);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() { ::wslay_event_context_free(context_); }

    std::vector<Message> receive(std::string_view bytes) {
        const auto lock = std::lock_guard(mutex_);
        input_ = bytes;
        bool failed = false;
        while (!input_.empty() && !failed && ::wslay_event_want_read(context_) != 0)
            failed = ::wslay_event_recv(context_) != 0;
        input_ = {};
        ::wslay_event_send(context_);
        // For what breaks the framing itself wslay's close names no reason; it is always this one.
        if (failed && output_.ends_with(empty_close))
            output_.replace(output_.size() - empty_close.size(), empty_close.size(),
                            protocol_error_close);
        flush();
        return std::exchange(messages_, {});
    }

    void send_text(std::string_view text) {
        const auto lock = std::lock_guard(mutex_);
        if (queue(text)) flush();
    }

    void close(std::uint16_t code, std::string_view reason, std::string_view last_text) {
        const auto lock = std::lock_guard(mutex_);
        // wslay would let the close, as every control frame, overtake what is not out yet.
        if (!last_text.empty() && queue(last_text)) flush();
        const auto* bytes = reinterpret_cast<const std::uint8_t*>(reason.data());
        if (::wslay_event_queue_close(context_, code, bytes, reason.size()) == 0) flush();
    }

    bool is_closing() const {
        const auto lock = std::lock_guard(mutex_);
        return ::wslay_event_get_close_sent(context_) != 0;
    }

    bool is_closed() const {
        const auto lock = std::lock_guard(mutex_);
        return ::wslay_event_get_close_sent(context_) != 0 &&
               (::wslay_event_get_close_received(context_) != 0 ||
                ::wslay_event_get_read_enabled(context_) == 0);
    }

private:
    // Whether it will be sent; nothing is after the close.
    bool queue(std::string_view text) {
        // SAFETY: wslay takes bytes; char may be viewed as any of them.
        const auto message = wslay_event_msg{
            .opcode = WSLAY_TEXT_FRAME,
            .msg = reinterpret_cast<const std::uint8_t*>(text.data()),
            .msg_length = text.size(),
        };
        return ::wslay_event_queue_msg(context_, &message) == 0;
    }

    static State& of(void* user_data) { return *static_cast<State*>(user_data); }

    static ssize_t take(wslay_event_context_ptr context, std::uint8_t* to, std::size_t room, int,
                        void* user_data) {
        auto& input = of(user_data).input_;
        if (input.empty()) {
            ::wslay_event_set_error(context, WSLAY_ERR_WOULDBLOCK);
            return -1;
        }
        const auto count = std::min(room, input.size());
        std::memcpy(to, input.data(), count);
        input.remove_prefix(count);
        return static_cast<ssize_t>(count);
    }

    static ssize_t give(wslay_event_context_ptr, const std::uint8_t* bytes, std::size_t length, int,
                        void* user_data) {
        // SAFETY: bytes viewed as char, as above.
        of(user_data).output_.append(reinterpret_cast<const char*>(bytes), length);
        return static_cast<ssize_t>(length);
    }

    static void on_message(wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message,
                           void* user_data) {
        if (wslay_is_ctrl_frame(message->opcode)) return;  // wslay answers those itself
        // SAFETY: bytes viewed as char, as above.
        of(user_data).messages_.push_back(
            {.is_text = message->opcode == WSLAY_TEXT_FRAME,
             .data = {reinterpret_cast<const char*>(message->msg), message->msg_length}});
    }

    // A frame comes in pieces; they go out as one.
    void flush() {
        ::wslay_event_send(context_);
        if (!output_.empty()) write_(std::exchange(output_, {}));
    }

    const std::function<void(std::string)> write_;
    mutable std::mutex mutex_;
    wslay_event_context_ptr context_ = nullptr;
    std::string_view input_;
    std::string output_;
    std::vector<Message> messages_;
};

Channel::Channel(config::Bytes most, std::function<void(std::string)> write)
    : state_(std::make_unique<State>(most, std::move(write))) {}

Channel::~Channel() = default;

std::vector<Message> Channel::receive(std::string_view bytes) {
    return state_->receive(bytes);
}

void Channel::send_text(std::string_view text) {
    state_->send_text(text);
}

void Channel::close(std::uint16_t code, std::string_view reason, std::string_view last_text) {
    state_->close(code, reason, last_text);
}

bool Channel::is_closing() const {
    return state_->is_closing();
}

bool Channel::is_closed() const {
    return state_->is_closed();
}

}  // namespace ws
