// Piston's WebSocket as a client sees it: each case is a conversation (contract section 4).
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "isolate/protocol.h"
#include "tests/support/engine_process.h"
#include "tests/support/places.h"
#include "tests/support/ws_client.h"

using support::EngineProcess;
using support::Frame;
using support::Json;
using support::WsClient;

namespace {

EngineProcess& engine() {
    static EngineProcess shared{{"websocket.max_jobs=4", "websocket.init_timeout=300ms"}};
    return shared;
}

Json init(const std::string& language, const std::string& code, const Json& more = Json::object()) {
    Json message{{"type", "init"},
                 {"language", language},
                 {"version", "*"},
                 {"files", Json::array({{{"content", code}}})}};
    message.update(more);
    return message;
}

Json data(const std::string& text) {
    return {{"type", "data"}, {"stream", "stdin"}, {"data", text}};
}

// The types of the messages, one word each; stages with their name.
std::string outline(const std::vector<Json>& messages) {
    std::string text;
    for (const auto& message : messages) {
        const auto type = message.value("type", "?");
        if (type == "data" && text.ends_with("data ")) continue;
        text += type +
                (message.contains("stage") ? ":" + message["stage"].get<std::string>() : "") + " ";
    }
    return text;
}

// Reads up to the first output that has the text in it.
std::string read_until(WsClient& client, const std::string& text) {
    std::string seen;
    while (seen.find(text) == std::string::npos) {
        const auto frame = client.read();
        if (!frame || frame->opcode != 1) return seen;
        const auto message = Json::parse(frame->payload);
        if (message["type"] == "data") seen += message["data"].get<std::string>();
    }
    return seen;
}

}  // namespace

TEST_CASE("an interpreted job: runtime, stage, data, exit, and the close that says so") {
    WsClient client{engine().port()};
    CHECK(client.head().starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    client.send_json(init("bash", "echo out; echo err >&2; exit 3"));
    const auto messages = client.read_to_close();
    CHECK(outline(messages) == "runtime stage:run data exit:run ");
    CHECK(messages[0]["language"] == "bash");
    CHECK(WsClient::text_of(messages, "stdout") == "out\n");
    CHECK(WsClient::text_of(messages, "stderr") == "err\n");
    const auto& exit = messages.back();
    CHECK(exit["code"] == 3);
    CHECK(exit["signal"] == nullptr);
    CHECK(exit["status"] == "RE");
    CHECK(exit["memory"].get<std::int64_t>() > 0);
    CHECK(client.close_code == 4999);
    CHECK(client.close_reason == "Job Completed");
}

TEST_CASE("a compiled job has two stages, and only one if it does not compile") {
    WsClient good{engine().port()};
    good.send_json(init("c", "#include <stdio.h>\nint main() { puts(\"hi\"); }"));
    const auto messages = good.read_to_close();
    CHECK(outline(messages) == "runtime stage:compile exit:compile stage:run data exit:run ");
    CHECK(WsClient::text_of(messages, "stdout") == "hi\n");

    WsClient bad{engine().port()};
    bad.send_json(init("c", "int main() { return x; }"));
    CHECK(outline(bad.read_to_close()) == "runtime stage:compile data exit:compile ");
    CHECK(bad.close_code == 4999);
}

TEST_CASE("input reaches the program while it runs, and ends when the client says so") {
    WsClient client{engine().port()};
    client.send_json(init("bash", "while read -r line; do echo \"<$line>\"; done; echo end",
                          {{"stdin", "ignored\n"}}));
    client.send_json(data("one\n"));
    CHECK(read_until(client, ">") == "<one>\n");
    client.send_json(data("t\u00fcr\n"));
    CHECK(read_until(client, ">") == "<t\u00fcr>\n");
    client.send_json({{"type", "hello"}});  // of a type nobody knows: ignored
    auto last = data("three");
    last["eof"] = true;
    client.send_json(last);
    CHECK(WsClient::text_of(client.read_to_close(), "stdout") == "end\n");
    CHECK(client.close_code == 4999);
}

TEST_CASE("input that comes before its stage waits for it") {
    WsClient client{engine().port()};
    client.send_json(
        init("c", "#include <stdio.h>\nint main() { char t[9]; puts(fgets(t, 9, stdin)); }"));
    client.send_json(data("early\n"));
    CHECK(WsClient::text_of(client.read_to_close(), "stdout") == "early\n\n");
}

TEST_CASE("signals reach the program") {
    WsClient client{engine().port()};
    client.send_json(
        init("bash", "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.1; done"));
    CHECK(read_until(client, "ready") == "ready\n");
    client.send_json({{"type", "signal"}, {"signal", "SIGTERM"}});
    const auto messages = client.read_to_close();
    CHECK(WsClient::text_of(messages, "stdout") == "caught\n");
    CHECK(messages.back()["code"] == 5);

    WsClient other{engine().port()};
    other.send_json(init("bash", "echo ready; exec sleep 20"));
    read_until(other, "ready");
    other.send_json({{"type", "signal"}, {"signal", "SIGKILL"}});
    const auto killed = other.read_to_close();
    CHECK(killed.back()["signal"] == "SIGKILL");
    CHECK(killed.back()["code"] == nullptr);
}

TEST_CASE("every way to break the order has its close") {
    struct Row {
        std::string name;
        std::vector<std::string> messages;
        int code;
        std::string reason;
    };
    const auto begin = init("bash", "exec sleep 20").dump();
    const Row rows[] = {
        {"two inits", {begin, begin}, 4000, "Already Initialized"},
        {"no init", {}, 4001, "Initialization Timeout"},
        {"nonsense only", {R"({"type":"hello"})"}, 4001, "Initialization Timeout"},
        {"no JSON", {"{"}, 4002, "Notified Error"},
        {"a wrong init", {R"({"type":"init"})"}, 4002, "Notified Error"},
        {"no such runtime", {init("nothing", "x").dump()}, 4002, "Notified Error"},
        {"a file outside",
         {init("bash", "", {{"files", Json::array({{{"name", "../x"}, {"content", ""}}})}}).dump()},
         4002,
         "Notified Error"},
        {"data that is a number",
         {begin, R"({"type":"data","stream":"stdin","data":5})"},
         4002,
         "Notified Error"},
        {"data before init", {data("x").dump()}, 4003, "Not yet initialized"},
        {"a signal before init",
         {R"({"type":"signal","signal":"SIGTERM"})"},
         4003,
         "Not yet initialized"},
        {"data for stdout",
         {begin, R"({"type":"data","stream":"stdout","data":"x"})"},
         4004,
         "Can only write to stdin"},
        {"an unknown signal",
         {begin, R"({"type":"signal","signal":"SIGNOTHING"})"},
         4005,
         "Invalid signal"},
        {"a signal's number",
         {begin, R"({"type":"signal","signal":"15"})"},
         4005,
         "Invalid signal"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        WsClient client{engine().port()};
        for (const auto& message : row.messages) client.send_text(message);
        const auto messages = client.read_to_close();
        CHECK(client.close_code == row.code);
        CHECK(client.close_reason == row.reason);
        const bool told = !messages.empty() && messages.back().value("type", "") == "error";
        CHECK(told == (row.code == 4002));
    }
}

TEST_CASE("an error says what was wrong") {
    WsClient client{engine().port()};
    client.send_json({{"type", "init"},
                      {"language", "bash"},
                      {"version", "99"},
                      {"files", Json::array({{{"content", ""}}})}});
    CHECK(client.read_to_close()[0]["message"] == "bash-99 runtime is unknown");
}

TEST_CASE("a job dies with its connection, however that ends") {
    for (const bool rudely : {false, true}) {
        CAPTURE(rudely);
        WsClient client{engine().port()};
        client.send_json(init("bash", "echo ready; exec sleep 30"));
        read_until(client, "ready");
        const auto before = engine().log().size();
        rudely ? client.reset() : client.close();
        bool ended = false;
        for (int attempt = 0; attempt < 500 && !ended; ++attempt) {
            ended = engine().log().find("canceled", before) != std::string::npos;
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
        CHECK(ended);
    }
}

TEST_CASE("a terminal is one to the program") {
    WsClient client{engine().port()};
    client.send_json(init("bash", "[ -t 0 ] && [ -t 1 ] && stty size; read -r x; stty size; exit 7",
                          {{"pty", {{"rows", 31}, {"cols", 99}}}}));
    CHECK(read_until(client, "31 99") == "31 99\r\n");
    client.send_json({{"type", "resize"}, {"rows", 40}, {"cols", 120}});
    client.send_json(data("\n"));
    const auto messages = client.read_to_close();
    CHECK(WsClient::text_of(messages, "stdout").find("40 120\r\n") != std::string::npos);
    CHECK(messages.back()["code"] == 7);
}

TEST_CASE("output goes on beyond the ordinary limit, up to one of its own") {
    EngineProcess small{{"websocket.output_limit=100KiB", "limits.run.output=1KiB"}};
    WsClient fits{small.port()};
    fits.send_json(init("bash", "head -c 100000 /dev/zero | tr '\\0' x"));
    CHECK(WsClient::text_of(fits.read_to_close(), "stdout") == std::string(100000, 'x'));
    WsClient flood{small.port()};
    flood.send_json(init("bash", "yes"));
    const auto messages = flood.read_to_close();
    CHECK(WsClient::text_of(messages, "stdout").size() == 100 * 1024);
    CHECK(messages.back()["status"] == "OL");
}

TEST_CASE("a program waits for a client that does not read, and loses nothing") {
    WsClient client{engine().port(), "/api/v2/connect", "", 4096};
    constexpr std::size_t size = 4 << 20;
    client.send_json(init("bash", "head -c " + std::to_string(size) + " /dev/zero | tr '\\0' x"));
    std::this_thread::sleep_for(std::chrono::milliseconds{300});  // a client that is busy elsewhere
    CHECK(WsClient::text_of(client.read_to_close(), "stdout").size() == size);
    CHECK(client.close_code == 4999);
}

TEST_CASE("a client waits for a program that does not read, and loses nothing") {
    EngineProcess small{{"websocket.input_buffer=64KiB"}};
    WsClient client{small.port()};
    client.send_json(init("bash", "sleep 0.5; wc -c"));
    constexpr int pieces = 200;
    std::jthread sender{[&] {
        for (int i = 0; i < pieces; ++i) client.send_json(data(std::string(50'000, 'y')));
        client.send_json({{"type", "data"}, {"stream", "stdin"}, {"eof", true}});
    }};
    const auto messages = client.read_to_close();
    CAPTURE(Json(messages).dump());
    CHECK(WsClient::text_of(messages, "stdout") == std::to_string(pieces * 50'000) + "\n");
    CHECK(client.close_code == 4999);
}

TEST_CASE("who says nothing for too long is asked to leave, and the job with it") {
    EngineProcess quick{{"websocket.idle_timeout=200ms"}};
    WsClient client{quick.port()};
    client.send_json(init("bash", "exec sleep 30"));
    client.read_to_close();
    CHECK(client.close_code == 4006);
    CHECK(quick.wait_for_log("canceled", 1));
}

TEST_CASE("there are only so many interactive jobs at once") {
    EngineProcess one{{"websocket.max_jobs=1"}};
    WsClient first{one.port()};
    first.send_json(init("bash", "echo ready; exec sleep 30"));
    read_until(first, "ready");
    WsClient second{one.port()};
    second.send_json(init("bash", "echo no"));
    const auto messages = second.read_to_close();
    CHECK(messages[0]["message"].get<std::string>().find("websocket.max_jobs") !=
          std::string::npos);
    first.send_json({{"type", "signal"}, {"signal", "SIGKILL"}});
    first.read_to_close();
    WsClient third{one.port()};
    third.send_json(init("bash", "echo yes"));
    CHECK(WsClient::text_of(third.read_to_close(), "stdout") == "yes\n");
}

TEST_CASE("pages of other origins are refused, and what is no handshake is not there") {
    WsClient page{engine().port(), "/api/v2/connect", "Origin: https://evil.example\r\n"};
    CHECK(page.head().starts_with("HTTP/1.1 403 "));
    WsClient slash{engine().port(), "/API/v2/Connect/"};
    CHECK(slash.head().starts_with("HTTP/1.1 101 "));
    const auto plain = engine().get("/api/v2/connect");
    CHECK(plain.status == 404);
    CHECK(plain.body == R"({"message":"Not Found"})");
}

TEST_CASE("a stopping engine says goodbye and ends") {
    EngineProcess leaving;
    WsClient idle{leaving.port()};
    idle.send({.opcode = 9});
    REQUIRE(idle.read().value_or(Frame{}).opcode == 10);
    CHECK(leaving.stop() == 0);
    idle.read_to_close();
    CHECK(idle.close_code == 1001);
}

TEST_CASE("interactive jobs in turn leave nothing") {
    const auto server = engine().pids_of("server").at(0);
    const auto descriptors = [&] {
        const auto directory = "/proc/" + std::to_string(server) + "/fd";
        return std::distance(std::filesystem::directory_iterator{directory}, {});
    };
    const auto one = [&](int i) {
        WsClient client{engine().port()};
        client.send_json(init("bash", "read -r x; echo $x"));
        client.send_json(data(std::to_string(i) + "\n"));
        CHECK(WsClient::text_of(client.read_to_close(), "stdout") == std::to_string(i) + "\n");
    };
    for (int i = 0; i < 20; ++i) one(i);
    const auto before = descriptors();
    for (int i = 0; i < 500; ++i) one(i);
    // A program that stands ready, now and not before, is three streams, a report and a gate, in a
    // runner of its own: two sockets and a descriptor for each control file.
    constexpr int of_a_runner = 2 + static_cast<int>(isolate::ControlFile::count);
    const auto allowed = before + 2 + (5 + of_a_runner) * support::places();
    bool settled = false;
    for (int attempt = 0; attempt < 300 && !settled; ++attempt) {
        settled = descriptors() <= allowed;
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    CHECK(settled);
}

// Sanitizers keep memory of their own for each.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double most_megabytes = 200;
#else
constexpr double most_megabytes = 20;
#endif

TEST_CASE("a thousand idle sockets cost little") {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    EngineProcess patient{{"websocket.init_timeout=10m", "server.max_connections=4096"}};
    const auto server = std::to_string(patient.pids_of("server").at(0));
    const auto kibibytes = [&] {
        std::ifstream rollup{"/proc/" + server + "/smaps_rollup"};
        for (std::string word; rollup >> word;) {
            if (word != "Pss:") continue;
            double number = 0;
            rollup >> number;
            return number;
        }
        return -1.0;
    };
    std::vector<std::unique_ptr<WsClient>> clients;
    const auto before = kibibytes();
    for (int i = 0; i < 1000; ++i) {
        clients.push_back(std::make_unique<WsClient>(patient.port()));
        REQUIRE(clients.back()->head().starts_with("HTTP/1.1 101 "));
    }
    const auto cost = (kibibytes() - before) / 1024;
    CHECK(before > 0);
    CHECK(cost < most_megabytes);
    // And they are there: the last one as well as the first.
    for (auto* client : {clients.front().get(), clients.back().get()}) {
        client->send({.opcode = 9, .payload = "there?"});
        CHECK(client->read().value_or(Frame{}).payload == "there?");
    }
}
