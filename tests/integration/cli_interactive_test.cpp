// `crankcase run -t` as a user runs it, on WebSockets that say what a test wants them to.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <wslay/wslay.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "api/cli/run/upgrade.h"
#include "tests/support/lying_server.h"
#include "tests/support/tool_process.h"

namespace {

using Json = nlohmann::ordered_json;
using support::LyingServer;
using support::run_words;
using support::ToolPlace;
using support::ToolProcess;

// A WebSocket from the server's side, so far as a test needs one.
class Peer {
public:
    Peer(const LyingServer::Request& request, LyingServer::Line& line) : line_(line) {
        line.send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
            cli::accept_of(request.header("sec-websocket-key")) + "\r\n\r\n");
        wslay_event_callbacks callbacks{};
        callbacks.recv_callback = [](wslay_event_context_ptr context, std::uint8_t* to,
                                     std::size_t most, int, void* self) -> ssize_t {
            auto& peer = *static_cast<Peer*>(self);
            // What was heard is answered before more is waited for.
            const bool enough = !peer.messages_.empty();
            const auto bytes = enough ? std::string{} : peer.line_.receive(most);
            peer.gone_ = !enough && bytes.empty();
            if (bytes.empty()) {
                wslay_event_set_error(context,
                                      enough ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
                return -1;
            }
            std::copy(bytes.begin(), bytes.end(), to);
            return static_cast<ssize_t>(bytes.size());
        };
        callbacks.send_callback = [](wslay_event_context_ptr context, const std::uint8_t* from,
                                     std::size_t count, int, void* self) -> ssize_t {
            // char may alias anything.
            if (static_cast<Peer*>(self)->line_.send({reinterpret_cast<const char*>(from), count}))
                return static_cast<ssize_t>(count);
            wslay_event_set_error(context, WSLAY_ERR_CALLBACK_FAILURE);
            return -1;
        };
        callbacks.on_msg_recv_callback =
            [](wslay_event_context_ptr, const wslay_event_on_msg_recv_arg* message, void* self) {
                if (message->opcode != WSLAY_TEXT_FRAME) return;
                // char may alias anything.
                static_cast<Peer*>(self)->messages_.push_back(Json::parse(
                    std::string{reinterpret_cast<const char*>(message->msg), message->msg_length}));
            };
        wslay_event_context_ptr context = nullptr;
        wslay_event_context_server_init(&context, &callbacks, this);
        context_.reset(context);
    }

    // The next message; null if the client is gone.
    Json hear() {
        while (messages_.empty() && !gone_) {
            if (wslay_event_recv(context_.get()) != 0) break;
            if (wslay_event_get_close_received(context_.get())) break;
        }
        if (messages_.empty()) return nullptr;
        auto message = std::move(messages_.front());
        messages_.pop_front();
        return message;
    }

    void say(const Json& message) {
        const auto text = message.dump();
        const wslay_event_msg queued{
            WSLAY_TEXT_FRAME, reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
        wslay_event_queue_msg(context_.get(), &queued);
        wslay_event_send(context_.get());
    }

    void say_all(const std::vector<Json>& messages) {
        for (const auto& message : messages) say(message);
    }

    void close(std::uint16_t code) {
        wslay_event_queue_close(context_.get(), code, nullptr, 0);
        wslay_event_send(context_.get());
    }

private:
    struct Deleter {
        void operator()(wslay_event_context* context) const { wslay_event_context_free(context); }
    };

    LyingServer::Line& line_;
    std::unique_ptr<wslay_event_context, Deleter> context_;
    std::deque<Json> messages_;
    bool gone_ = false;
};

// A server of /version and /api/v2/connect; `talk` gets each WebSocket behind its init message.
using Talk = std::function<void(Peer&, const Json& init)>;
LyingServer::Handler interactive(const Talk& talk, const std::string& name = "crankcase") {
    return [=](const LyingServer::Request& request, LyingServer::Line& line) {
        if (request.target == "/version") return line.answer("200 OK", Json{{"name", name}}.dump());
        Peer peer{request, line};
        talk(peer, peer.hear());
    };
}

const Json running{{"type", "stage"}, {"stage", "run"}};

Json data(const std::string& stream, const std::string& text) {
    return {{"type", "data"}, {"stream", stream}, {"data", text}};
}

Json ended(const Json& code, const Json& signal = nullptr) {
    return {{"type", "exit"}, {"stage", "run"}, {"code", code}, {"signal", signal}};
}

bool is_raw(const sys::UniqueFd& terminal) {
    termios settings{};
    REQUIRE(::tcgetattr(terminal.get(), &settings) == 0);
    return (settings.c_lflag & (ICANON | ECHO | ISIG)) == 0;
}

}  // namespace

TEST_CASE("an interactive program gets input as it comes, its end, and nothing before it runs") {
    const ToolPlace place;
    Json init, steering, first, second, end;
    LyingServer server{interactive([&](Peer& peer, const Json& said) {
        init = said;
        peer.say({{"type", "runtime"}, {"language", "c"}, {"version", "1"}});
        peer.say({{"type", "stage"}, {"stage", "compile"}});
        peer.say(data("stderr", "warning\n"));
        steering = peer.hear();
        peer.say({{"type", "exit"}, {"stage", "compile"}, {"code", 0}, {"signal", nullptr}});
        peer.say(running);
        first = peer.hear();
        peer.say(data("stdout", "got it\n"));
        second = peer.hear();
        end = peer.hear();
        peer.say_all({data("stderr", "bye\n"), ended(5)});
        peer.close(4999);
    })};
    ToolProcess tool{run_words(server.url(""), {"-t"}, {"c", place.file("a.c", "x"), "-v"})};
    tool.write("\xC3\xA9\n");
    REQUIRE(tool.wait_for_output("warning"));
    // A signal overtakes the input, which waits for the program.
    ::kill(tool.pid(), SIGTERM);
    CHECK(tool.wait_for_output("got it\n"));
    tool.write("two");
    tool.close_input();
    const auto result = tool.finish();
    server.stop();
    CHECK(result.code == 5);
    CHECK(result.err == "warning\nbye\n");
    CHECK(init["type"] == "init");
    CHECK(init["args"] == Json{"-v"});
    CHECK(!init.contains("pty"));
    CHECK(steering == Json{{"type", "signal"}, {"signal", "SIGTERM"}});
    CHECK(first == data("stdin", "é\n"));
    CHECK(second == data("stdin", "two"));
    CHECK(end["eof"] == true);
}

TEST_CASE("signals go to the interactive program, and the second of a kind ends the waiting") {
    const ToolPlace place;
    const auto file = place.file("a.py", "");
    Json term, interrupt;
    LyingServer server{interactive([&](Peer& peer, const Json&) {
        peer.say_all({running, data("stdout", "ready")});
        term = peer.hear();
        interrupt = peer.hear();
        peer.say(data("stdout", "both"));
        CHECK(peer.hear().is_null());
    })};
    ToolProcess tool{run_words(server.url(""), {"-t"}, {"py", file})};
    REQUIRE(tool.wait_for_output("ready"));
    // Should both wait together, they come in the order of their numbers.
    ::kill(tool.pid(), SIGTERM);
    ::kill(tool.pid(), SIGINT);
    REQUIRE(tool.wait_for_output("both"));
    ::kill(tool.pid(), SIGINT);
    CHECK(tool.finish().code == 130);
    server.stop();
    CHECK(std::set<Json>{term["signal"], interrupt["signal"]} ==
          std::set<Json>{"SIGTERM", "SIGINT"});
}

TEST_CASE("an interactive run that is refused or cut off says so") {
    struct Row {
        std::string name, err;
        Talk talk;
        int code;
    };
    const Row rows[] = {
        {"an error", "crankcase: x-* runtime is unknown\n",
         [](Peer& peer, const Json&) {
             peer.say({{"type", "error"}, {"message", "x-* runtime is unknown"}});
             peer.close(4002);
         },
         1},
        {"closed early", "ended before the program did (close code 4001)\n",
         [](Peer& peer, const Json&) { peer.close(4001); }, 1},
        {"cut", "ended before the program did\n",
         [](Peer& peer, const Json&) { peer.say(running); }, 1},
        {"killed, as a Piston tells it", "crankcase: ended by SIGKILL\n",
         [](Peer& peer, const Json&) {
             peer.say_all({running, ended(nullptr, "SIGKILL")});
         },
         137},
        {"too slow, as an engine of ours tells it", "crankcase: Time limit exceeded\n",
         [](Peer& peer, const Json&) {
             auto exit = ended(nullptr, "SIGKILL");
             exit["status"] = "TO";
             exit["message"] = "Time limit exceeded";
             peer.say_all({running, exit});
         },
         124},
    };
    const ToolPlace place;
    const auto file = place.file("a.py", "");
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const LyingServer server{interactive(row.talk)};
        ToolProcess tool{run_words(server.url(""), {"-t"}, {"py", file})};
        const auto result = tool.finish();
        CAPTURE(result.err);
        CHECK(result.code == row.code);
        CHECK(result.err.ends_with(row.err));
    }
    const LyingServer none{[](const LyingServer::Request&, LyingServer::Line& line) {
        line.answer("404 Not Found", R"({"message":"Not Found"})");
    }};
    const auto result = support::run_tool(run_words(none.url(""), {"-t"}, {"py", file}));
    CHECK(result.code == 3);
    CHECK(result.err == "crankcase: Not Found\n");
}

TEST_CASE("at a terminal every key goes to the program, and the terminal is as before afterwards") {
    const ToolPlace place;
    const auto file = place.file("a.py", "");
    struct Row {
        std::string name;
        int signal;  // 0: the program ends by itself
        int code;
    };
    const Row rows[] = {
        {"the program ends", 0, 7}, {"terminated", SIGTERM, 143}, {"hung up", SIGHUP, -SIGHUP}};
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Json init, key, resize;
        LyingServer server{interactive([&](Peer& peer, const Json& said) {
            init = said;
            peer.say_all({running, data("stdout", "go")});
            key = peer.hear();
            peer.say(data("stdout", "key"));
            resize = peer.hear();
            peer.say(data("stdout", "size"));
            if (row.signal == 0) return peer.say(ended(7));
            static_cast<void>(peer.hear());
        })};
        ToolProcess tool{run_words(server.url(""), {"-t"}, {"py", file}),
                         ToolProcess::Stdio::terminal};
        const sys::UniqueFd other_side{::open(::ptsname(tool.terminal().get()), O_RDWR | O_NOCTTY)};
        CHECK(!is_raw(other_side));
        REQUIRE(tool.wait_for_output("go"));
        tool.write("\x03");
        REQUIRE(tool.wait_for_output("key"));
        CHECK(is_raw(other_side));
        const winsize size{.ws_row = 10, .ws_col = 20, .ws_xpixel = 0, .ws_ypixel = 0};
        REQUIRE(::ioctl(tool.terminal().get(), TIOCSWINSZ, &size) == 0);
        REQUIRE(tool.wait_for_output("size"));
        if (row.signal != 0) ::kill(tool.pid(), row.signal);
        CHECK(tool.wait_for_exit() == row.code);
        server.stop();
        CHECK(!is_raw(other_side));
        CHECK(init["pty"] == Json{{"rows", 33}, {"cols", 99}});
        CHECK(key == data("stdin", "\x03"));
        CHECK(resize == Json{{"type", "resize"}, {"rows", 10}, {"cols", 20}});
    }
}

TEST_CASE("an engine without terminals is not typed to blindly") {
    const ToolPlace place;
    Json init;
    LyingServer server{interactive(
        [&](Peer& peer, const Json& said) {
            init = said;
            peer.say_all({running, data("stdout", "go")});
            static_cast<void>(peer.hear());
            peer.say(ended(0));
        },
        "piston")};
    ToolProcess tool{run_words(server.url(""), {"-t"}, {"py", place.file("a.py", "")}),
                     ToolProcess::Stdio::terminal};
    const sys::UniqueFd other_side{::open(::ptsname(tool.terminal().get()), O_RDWR | O_NOCTTY)};
    REQUIRE(tool.wait_for_output("go"));
    CHECK(!is_raw(other_side));
    tool.write("a\n");
    CHECK(tool.wait_for_exit() == 0);
    server.stop();
    CHECK(!init.contains("pty"));
}
