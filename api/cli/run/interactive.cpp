#include "api/cli/run/interactive.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "api/cli/run/raw_terminal.h"
#include "api/cli/run/websocket.h"
#include "api/wire/json_text.h"
#include "api/wire/signal_name.h"
#include "isolate/sys/error.h"

namespace cli {

namespace {

constexpr int by_signal = 128;
// More input than this is not read before the engine has taken some.
constexpr std::size_t most_waiting = 256U << 10U;

// Signals as something to poll. While this lives they have no other effect; what is ignored stays
// ignored.
class Signals {
public:
    Signals() {
        sigset_t wanted;
        sigemptyset(&wanted);
        for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGWINCH}) {
            struct sigaction action {};
            if (::sigaction(number, nullptr, &action) != 0 || action.sa_handler != SIG_IGN)
                sigaddset(&wanted, number);
        }
        if (::pthread_sigmask(SIG_BLOCK, &wanted, &before_) != 0) sys::fail("sigprocmask");
        fd_.reset(::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK));
        if (!fd_) {
            const int error = errno;
            ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
            sys::fail("signalfd", error);
        }
    }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;
    ~Signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

    const sys::UniqueFd& fd() const { return fd_; }

    // The next that came; 0 if there is none.
    int next() const {
        signalfd_siginfo info{};
        const auto length = ::read(fd_.get(), &info, sizeof info);
        return length == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
    }

private:
    sigset_t before_{};
    sys::UniqueFd fd_;
};

// Piston ignores that a terminal is asked for; with ours in raw mode, typing would then be blind.
bool has_terminals(const Rest& engine) {
    const auto answer = engine.get("/version", {});
    if (answer.status != 200) return false;
    const auto json = nlohmann::json::parse(answer.body, nullptr, false);
    return json.is_object() && json.value("name", nlohmann::json{}) == "crankcase";
}

class Conversation {
public:
    Conversation(const Rest& engine, const Program& program, Transcript& transcript)
        : transcript_(transcript),
          base_(engine.base()),
          terminal_(is_at_terminal() && has_terminals(engine)),
          socket_(WebSocket::open(base_, engine.token())) {
        socket_.send(
            init_message(program, terminal_ ? std::optional{window_size()} : std::nullopt));
    }

    // Empty when the program has ended; else the signal that ended the waiting.
    std::optional<int> hold() {
        for (;;) {
            socket_.exchange();
            while (const auto message = socket_.next()) {
                transcript_.take_message(*message);
                if (transcript_.finished()) return say_farewell();
                // Before the first output is shown, which may ask for a key.
                if (terminal_ && transcript_.running() && !raw_) raw_.emplace();
            }
            if (socket_.ended()) fail();
            wait();
            while (const int number = signals_.next()) {
                if (!pass_on(number)) return number;
            }
        }
    }

private:
    std::optional<int> say_farewell() {
        socket_.close();
        socket_.exchange();
        return std::nullopt;
    }

    [[noreturn]] void fail() const {
        const auto code = socket_.close_code();
        throw sys::Error(sys::Kind::broken,
                         "the connection to " + base_ + " ended before the program did" +
                             (code == 0 ? "" : " (close code " + std::to_string(code) + ")"));
    }

    void wait() {
        // What is typed while it compiles would be the compiler's, and lost.
        const bool reads = input_open_ && transcript_.running() && socket_.waiting() < most_waiting;
        std::array<pollfd, 3> polled{{{socket_.socket().get(), socket_.events(), 0},
                                      {signals_.fd().get(), POLLIN, 0},
                                      {reads ? STDIN_FILENO : -1, POLLIN, 0}}};
        if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) sys::fail("poll");
        if (polled[2].revents != 0) read_input();
    }

    void read_input() {
        std::array<char, 16384> bytes{};
        const auto length = ::read(STDIN_FILENO, bytes.data(), bytes.size());
        if (length < 0 && (errno == EINTR || errno == EAGAIN)) return;
        // EIO: the terminal has hung up. That is an end like any other.
        if (length < 0 && errno != EIO) sys::fail("read standard input");
        if (length > 0) {
            pending_.append(bytes.data(), static_cast<std::size_t>(length));
            const auto text = take_characters(pending_);
            if (!text.empty()) socket_.send(input_message(text));
            return;
        }
        input_open_ = false;
        if (!pending_.empty()) socket_.send(input_message(pending_));
        socket_.send(end_of_input_message());
    }

    // False if it is for us: the second of its kind, or one that no key can have sent.
    bool pass_on(int number) {
        if (number == SIGWINCH) {
            if (terminal_) socket_.send(resize_message(window_size()));
            return true;
        }
        const auto name = wire::signal_name(number);
        if (raw_ || !name || !passed_on_.insert(number).second) return false;
        socket_.send(signal_message(*name));
        return true;
    }

    Transcript& transcript_;
    std::string base_;
    bool terminal_;
    WebSocket socket_;
    Signals signals_;
    std::optional<RawTerminal> raw_;
    bool input_open_ = true;
    std::string pending_;  // of input: the beginning of a character
    std::set<int> passed_on_;
};

}  // namespace

std::string take_characters(std::string& pending) {
    auto text = std::string{wire::complete_characters(pending)};
    pending.erase(0, text.size());
    return text;
}

int interact(const Rest& engine, const Program& program, Transcript& transcript) {
    const auto stopped = Conversation{engine, program, transcript}.hold();
    return stopped ? by_signal + *stopped : exit_code_of(*transcript.ending());
}

}  // namespace cli
