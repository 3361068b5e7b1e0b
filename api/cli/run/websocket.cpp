#include "api/cli/run/websocket.h"

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>

#include "api/cli/failure.h"
#include "api/cli/rest.h"
#include "api/cli/run/dial.h"
#include "api/cli/run/upgrade.h"
#include "isolate/sys/error.h"
#include "packages/digest.h"

namespace cli {

namespace {

constexpr std::uint64_t most_message_bytes = 64U << 20U;
constexpr std::size_t most_at_once = 256U << 10U;
constexpr std::size_t most_refusal_bytes = 64U << 10U;

// Never short: at most 256 bytes are asked for (man 2 getrandom).
bool fill_randomly(std::uint8_t* bytes, std::size_t count) {
    return ::getrandom(bytes, count, 0) == static_cast<ssize_t>(count);
}

std::string new_key() {
    std::array<std::uint8_t, 16> bytes{};
    if (!fill_randomly(bytes.data(), bytes.size())) sys::fail("getrandom");
    // char may alias anything.
    return packages::encode_base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

// An engine that refuses says why in the body, as it does for every request.
[[noreturn]] void refuse(Dialled& line, const UpgradeAnswer& upgrade, std::string text) {
    const auto end = upgrade.head_bytes + std::min(upgrade.body_bytes, most_refusal_bytes);
    while (text.size() < end) {
        const auto more = line.receive();
        if (more.empty()) break;
        text += more;
    }
    Answer answer{.status = upgrade.status, .body = text.substr(upgrade.head_bytes)};
    throw_unless_good(answer);
    throw Failure(ExitCode::failed, "what answers there has no interactive runs");
}

}  // namespace

struct WebSocket::State {
    struct ContextDeleter {
        void operator()(wslay_event_context* context) const { wslay_event_context_free(context); }
    };

    sys::UniqueFd socket;
    std::string received;    // behind the upgrade, and not looked at yet
    std::size_t budget = 0;  // bytes that may still be received in this exchange
    bool cut = false;
    std::deque<std::string> messages;
    std::unique_ptr<wslay_event_context, ContextDeleter> context;

    State(sys::UniqueFd connected, std::string first);

    // As recv and send of man 2; 0 is the end. EAGAIN also when enough was received at once.
    ssize_t receive(std::uint8_t* to, std::size_t most) noexcept;
    ssize_t transmit(const std::uint8_t* from, std::size_t count) const noexcept;

    // Called by C: nothing may be thrown through them.
    static ssize_t on_receive(wslay_event_context_ptr context, std::uint8_t* to, std::size_t most,
                              int, void* state) noexcept;
    static ssize_t on_send(wslay_event_context_ptr context, const std::uint8_t* from,
                           std::size_t count, int, void* state) noexcept;
    static int on_mask(wslay_event_context_ptr context, std::uint8_t* to, std::size_t count,
                       void*) noexcept;
    static void on_message(wslay_event_context_ptr context,
                           const wslay_event_on_msg_recv_arg* message, void* state) noexcept;
};

WebSocket::State::State(sys::UniqueFd connected, std::string first)
    : socket(std::move(connected)), received(std::move(first)) {
    wslay_event_callbacks callbacks{};
    callbacks.recv_callback = on_receive;
    callbacks.send_callback = on_send;
    callbacks.genmask_callback = on_mask;
    callbacks.on_msg_recv_callback = on_message;
    wslay_event_context_ptr made = nullptr;
    if (wslay_event_context_client_init(&made, &callbacks, this) != 0) throw std::bad_alloc{};
    context.reset(made);
    wslay_event_config_set_max_recv_msg_length(made, most_message_bytes);
}

ssize_t WebSocket::State::receive(std::uint8_t* to, std::size_t most) noexcept {
    most = std::min(most, budget);
    errno = EAGAIN;
    if (most == 0) return -1;
    auto length = static_cast<ssize_t>(std::min(most, received.size()));
    if (length > 0) {
        std::copy_n(received.begin(), length, to);
        received.erase(0, static_cast<std::size_t>(length));
    } else {
        do length = ::recv(socket.get(), to, most, MSG_DONTWAIT);
        while (length < 0 && errno == EINTR);
    }
    if (length > 0) budget -= static_cast<std::size_t>(length);
    return length;
}

ssize_t WebSocket::State::transmit(const std::uint8_t* from, std::size_t count) const noexcept {
    ssize_t length = 0;
    do length = ::send(socket.get(), from, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (length < 0 && errno == EINTR);
    return length;
}

ssize_t WebSocket::State::on_receive(wslay_event_context_ptr context, std::uint8_t* to,
                                     std::size_t most, int, void* state) noexcept {
    auto& self = *static_cast<State*>(state);
    const auto length = self.receive(to, most);
    if (length > 0) return length;
    const bool later = length < 0 && errno == EAGAIN;
    self.cut = self.cut || !later;
    wslay_event_set_error(context, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

ssize_t WebSocket::State::on_send(wslay_event_context_ptr context, const std::uint8_t* from,
                                  std::size_t count, int, void* state) noexcept {
    const auto length = static_cast<State*>(state)->transmit(from, count);
    if (length < 0)
        wslay_event_set_error(context,
                              errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return length;
}

int WebSocket::State::on_mask(wslay_event_context_ptr context, std::uint8_t* to, std::size_t count,
                              void*) noexcept {
    if (fill_randomly(to, count)) return 0;
    wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

void WebSocket::State::on_message(wslay_event_context_ptr,
                                  const wslay_event_on_msg_recv_arg* message,
                                  void* state) noexcept {
    if (message->opcode != WSLAY_TEXT_FRAME) return;
    // char may alias anything.
    static_cast<State*>(state)->messages.emplace_back(reinterpret_cast<const char*>(message->msg),
                                                      message->msg_length);
}

WebSocket::WebSocket(sys::UniqueFd socket, std::string received)
    : state_(std::make_unique<State>(std::move(socket), std::move(received))) {}

WebSocket::WebSocket(WebSocket&&) noexcept = default;
WebSocket& WebSocket::operator=(WebSocket&&) noexcept = default;
WebSocket::~WebSocket() = default;

WebSocket WebSocket::open(const std::string& base, const std::string& token) {
    const auto endpoint = connect_endpoint(base);
    Dialled line{endpoint.host, endpoint.port, base};
    const auto key = new_key();
    line.send(upgrade_request(endpoint, key, token));
    std::string text;
    for (;;) {
        const auto more = line.receive();
        if (more.empty())
            throw sys::Error(sys::Kind::broken, "no engine answers at " + base + ": it hung up");
        text += more;
        const auto upgrade = read_upgrade(text, accept_of(key));
        if (!upgrade) continue;
        if (!upgrade->upgraded) refuse(line, *upgrade, std::move(text));
        return {line.release(), text.substr(upgrade->head_bytes)};
    }
}

const sys::UniqueFd& WebSocket::socket() const {
    return state_->socket;
}

short WebSocket::events() const {
    if (ended()) return 0;
    const bool sends = wslay_event_want_write(state_->context.get()) != 0;
    return static_cast<short>(POLLIN | (sends ? POLLOUT : 0));
}

void WebSocket::send(const std::string& text) {
    // The bytes as C calls them; char may be aliased by anything of its size.
    const wslay_event_msg message{WSLAY_TEXT_FRAME,
                                  reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
    const int result = wslay_event_queue_msg(state_->context.get(), &message);
    if (result == WSLAY_ERR_NOMEM) throw std::bad_alloc{};
    // After a farewell nothing can be said any more; ended() tells.
}

std::size_t WebSocket::waiting() const {
    return wslay_event_get_queued_msg_length(state_->context.get());
}

void WebSocket::close() {
    // Refused only if one is on its way already.
    static_cast<void>(
        wslay_event_queue_close(state_->context.get(), WSLAY_CODE_NORMAL_CLOSURE, nullptr, 0));
}

void WebSocket::exchange() {
    auto* context = state_->context.get();
    state_->budget = most_at_once;
    if (wslay_event_recv(context) != 0) state_->cut = true;
    // Also what receiving queued: pongs, and the answer to a farewell.
    if (wslay_event_send(context) != 0) state_->cut = true;
}

std::optional<std::string> WebSocket::next() {
    if (state_->messages.empty()) return std::nullopt;
    auto message = std::move(state_->messages.front());
    state_->messages.pop_front();
    return message;
}

bool WebSocket::ended() const {
    auto* context = state_->context.get();
    return state_->cut || wslay_event_get_close_received(context) != 0 ||
           wslay_event_get_close_sent(context) != 0;
}

std::uint16_t WebSocket::close_code() const {
    constexpr std::uint16_t not_told = 1005;
    auto* context = state_->context.get();
    if (wslay_event_get_close_received(context) == 0) return 0;
    const auto code = wslay_event_get_status_code_received(context);
    return code == not_told ? std::uint16_t{0} : code;
}

}  // namespace cli
