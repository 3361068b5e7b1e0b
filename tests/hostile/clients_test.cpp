// Clients that mean no good: what they send, and that the engine answers, loses nothing and starts
// no job it should not. The host is counted before and after each.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/census.h"
#include "tests/support/engine_process.h"
#include "tests/support/http_client.h"
#include "tests/support/pace.h"
#include "tests/support/ws_client.h"

using support::EngineProcess;
using support::Frame;
using support::HttpClient;
using support::Json;
using support::WsClient;

namespace {

constexpr int runners = 2;

const EngineProcess& engine() {
    static const EngineProcess shared{{"pool.runners=2", "admission.concurrent_jobs=2",
                                       "server.max_connections=2000", "websocket.max_jobs=1",
                                       "websocket.init_timeout=2s"}};
    return shared;
}

// The host, counted now; and what has changed since.
class Watch {
public:
    Watch() {
        engine().run("bash", "true");
        before_ = support::settled_census(engine(), runners);
        log_ = engine().log().size();
    }

    std::string changes() const { return support::changes_since(before_, engine()); }

    // Jobs that were started meanwhile, as the log has them.
    int jobs() const {
        const auto log = engine().log().substr(log_);
        int count = 0;
        for (auto at = log.find(" job id="); at != std::string::npos;
             at = log.find(" job id=", at + 1))
            ++count;
        return count;
    }

private:
    support::Census before_;
    std::size_t log_ = 0;
};

bool serves() {
    return engine().run("bash", "echo hi")["run"]["stdout"] == "hi\n";
}

std::string job(const std::string& code, const std::string& more = {}) {
    return R"({"language":"bash","version":"*","files":[{"content":)" + Json(code).dump() + "}]" +
           more + "}";
}

std::string message_of(const support::HttpAnswer& answer) {
    return answer.json().is_object() ? answer.json().value("message", "") : "";
}

}  // namespace

TEST_CASE("O43 names of files that lead out of the job are refused, before anything is written") {
    struct Row {
        std::string name;
        std::vector<std::string> files;
        std::string why;
    };
    const Row rows[] = {
        {"upwards", {"../x"}, "escape"},
        {"absolute", {"/tmp/x"}, "absolute"},
        {"down and upwards", {"a/../../x"}, "escape"},
        {"NUL", {std::string{"x\0y", 3}}, "NUL"},
        {"the directory", {"."}, "directory"},
        {"the directory above", {".."}, "escape"},
        {"the directory, in disguise", {"a/.."}, "directory"},
        {"a directory", {"x/"}, "directory"},
        {"a long part", {std::string(300, 'x')}, "255 bytes"},
        {"a long name", {std::string(3000, 'x')}, "1024 bytes"},
        {"a file that is a directory as well", {"a", "a/b"}, "both a file and a directory"},
        {"a directory that is a file as well", {"a/b", "a"}, "both a file and a directory"},
    };
    const Watch watch;
    for (const auto& row : rows) {
        CAPTURE(row.name);
        Json request{{"language", "bash"}, {"version", "*"}, {"files", Json::array()}};
        for (const auto& file : row.files)
            request["files"].push_back({{"name", file}, {"content", "echo"}});
        const auto answer = engine().post("/api/v2/execute", request.dump());
        CHECK(answer.status == 400);
        CHECK(message_of(answer).find(row.why) != std::string::npos);
    }
    CHECK(watch.jobs() == 0);
    CHECK(watch.changes() == "");
    // Odd, and nobody's harm: they stay in the job's directory.
    for (const std::string name : {"..foo", "a//b", "m", "\\..\\x", "proc/self/x", "a\nb"}) {
        CAPTURE(name);
        const auto ran =
            engine().run("bash", "",
                         {{"files",
                           {{{"name", "main.sh"}, {"content", "find . -type f -size -2c"}},
                            {{"name", name}, {"content", "x"}},
                            {{"name", "./" + name}, {"content", "y"}}}}});
        CHECK(ran["run"]["code"] == 0);
    }
    CHECK(watch.changes() == "");
    CHECK(serves());
}

TEST_CASE(
    "O44 limits that are none, too much or too little are refused; no job is at fault for them") {
    struct Row {
        std::string limit, why;
    };
    const Row rows[] = {
        {R"("run_timeout":3001)", "run_timeout cannot exceed the configured limit of 3000"},
        {R"("run_timeout":1e308)", "run_timeout cannot exceed"},
        {R"("run_timeout":1e400)", "SyntaxError"},
        {R"("run_timeout":-1)", "run_timeout must be non-negative"},
        {R"("run_timeout":NaN)", "SyntaxError"},
        {R"("run_timeout":"1")", "run_timeout must be a number"},
        {R"("run_cpu_time":[1])", "run_cpu_time must be a number"},
        {R"("run_cpu_time":-0.1)", "run_cpu_time must be non-negative"},
        {R"("compile_timeout":{})", "compile_timeout must be a number"},
        {R"("run_memory_limit":1e30)", "run_memory_limit cannot exceed"},
        {R"("compile_memory_limit":"x")", "compile_memory_limit must be a number"},
        {R"("run_memory_limit":1)", "memory limit"},
    };
    const Watch watch;
    for (const auto& row : rows) {
        CAPTURE(row.limit);
        const auto answer = engine().post("/api/v2/execute", job("true", "," + row.limit));
        CHECK(answer.status == 400);
        CHECK(message_of(answer).find(row.why) != std::string::npos);
    }
    // Too little to begin with: refused, or the program's own fate, but never the engine's failure.
    for (const int bytes : {1000, 8192, 100'000, 1'000'000}) {
        CAPTURE(bytes);
        const auto answer = engine().post(
            "/api/v2/execute", job("true", ",\"run_memory_limit\":" + std::to_string(bytes)));
        CHECK((answer.status == 200 || answer.status == 400));
        if (answer.status == 200) CHECK(answer.json()["run"]["status"] != "XX");
    }
    // Zero is "as configured", never "without end".
    const auto zero = engine().post("/api/v2/execute", job("sleep 60", R"(,"run_timeout":0)"));
    CHECK(zero.json()["run"]["status"] == "TO");
    CHECK(watch.changes() == "");
    CHECK(serves());
}

TEST_CASE("O45 of a thousand requests at once each gets its own answer, or is told to come again") {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const Watch watch;
    std::vector<std::unique_ptr<HttpClient>> clients;
    for (int number = 0; number < 1000; ++number) {
        clients.push_back(std::make_unique<HttpClient>(engine().port()));
        clients.back()->patience = support::patiently(std::chrono::minutes{2});
        clients.back()->send(
            support::post("/api/v2/execute", job("echo nonce-" + std::to_string(number) + "-")));
    }
    int served = 0, later = 0;
    for (int number = 0; number < 1000; ++number) {
        const auto answer = clients[static_cast<std::size_t>(number)]->read_answer();
        REQUIRE(answer);
        if (answer->status == 200) {
            ++served;
            const auto run = Json::parse(answer->body)["run"];
            CHECK(run["stdout"] == "nonce-" + std::to_string(number) + "-\n");
        } else {
            ++later;
            CHECK((answer->status == 429 || answer->status == 503));
            CHECK(answer->field("Retry-After") != "");
        }
    }
    clients.clear();
    CHECK(served + later == 1000);
    CHECK(served >= 192);  // one client's share of the queue: 75 % of 256
    CHECK(watch.jobs() == served);
    CHECK(watch.changes() == "");
    CHECK(serves());
}

TEST_CASE("O46 a client that goes takes its job with it, and others get the slot") {
    const Watch watch;
    const auto sleeper = job("sleep 2.77", R"(,"run_timeout":3000)");
    for (const auto leave : {&HttpClient::close, &HttpClient::reset}) {
        std::vector<std::unique_ptr<HttpClient>> clients;
        for (int slot = 0; slot < 2; ++slot) {
            clients.push_back(std::make_unique<HttpClient>(engine().port()));
            clients.back()->send(support::post("/api/v2/execute", sleeper));
        }
        for (int attempt = 0; attempt < 1000 && engine().pids_of("2.77").size() < 2; ++attempt)
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        CHECK(engine().pids_of("2.77").size() >= 2);
        for (const auto& client : clients) (client.get()->*leave)();
        // Its place is free long before it would have ended by itself.
        CHECK(engine().run("bash", "echo next")["run"]["stdout"] == "next\n");
    }
    CHECK(engine().wait_for_log("canceled", 4));
    CHECK(watch.changes() == "");
    CHECK(serves());
}

TEST_CASE("O47 requests that are none, or half of one, or two in one") {
    struct Row {
        std::string name, request, begin;
    };
    const auto body = job("echo hi");
    const auto length = std::to_string(body.size());
    const std::string head = "POST /api/v2/execute HTTP/1.1\r\nHost: localhost\r\n";
    const std::string json = "Content-Type: application/json\r\n";
    const std::string end = "Connection: close\r\n\r\n";
    const Row rows[] = {
        {"another type",
         head + "Content-Type: text/plain\r\nContent-Length: " + length + "\r\n" + end + body,
         "HTTP/1.1 415 "},
        {"no type", head + "Content-Length: " + length + "\r\n" + end + body, "HTTP/1.1 415 "},
        {"in chunks",
         head + json + "Transfer-Encoding: chunked\r\n" + end + "1\r\n" + body.substr(0, 1) +
             "\r\n1000\r\n" + body.substr(1) + std::string(4097 - body.size(), ' ') +
             "\r\n0\r\n\r\n",
         "HTTP/1.1 200 "},
        {"a chunk of a length that overflows",
         head + json + "Transfer-Encoding: chunked\r\n" + end + "10000000000000001\r\n" + body,
         "HTTP/1.1 400 "},
        {"two lengths",
         head + json + "Content-Length: 5\r\nContent-Length: " + length + "\r\n" + end + body,
         "HTTP/1.1 400 "},
        {"a length and chunks",
         head + json + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n" + end + "0\r\n\r\n",
         "HTTP/1.1 400 "},
        {"a length below zero", head + json + "Content-Length: -1\r\n" + end, "HTTP/1.1 400 "},
        {"a folded header", head + json + "X: a\r\n b\r\nContent-Length: 0\r\n" + end,
         "HTTP/1.1 400 "},
        {"no HTTP", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03\r\n\r\n", "HTTP/1.1 400 "},
        {"HEAD", "HEAD /api/v2/runtimes HTTP/1.1\r\nHost: localhost\r\n" + end, "HTTP/1.1 "},
        {"OPTIONS", "OPTIONS /api/v2/execute HTTP/1.1\r\nHost: localhost\r\n" + end, "HTTP/1.1 "},
        {"a method of its own", "BREW /api/v2/execute HTTP/1.1\r\nHost: localhost\r\n" + end,
         "HTTP/1.1 "},
        {"expects to be asked",
         head + json + "Expect: 100-continue\r\nContent-Length: " + length + "\r\n" + end + body,
         "HTTP/1.1 200 "},
        {"half a body", head + json + "Content-Length: 9999\r\n" + end + body, ""},
        {"half a head", "POST /api/v2/exec", ""},
        {"a hundred in one",
         [] {
             std::string all;
             for (int i = 0; i < 100; ++i) all += support::get("/healthz");
             return all + "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
         }(),
         "HTTP/1.1 200 "},
        {"a header without end", "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x'),
         "HTTP/1.1 431 "},
    };
    const Watch watch;
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto client = HttpClient(engine().port());
        client.send(row.request);
        if (row.begin.empty()) {
            client.finish_sending();
            CHECK(client.read_to_end().has_value());
            continue;
        }
        const auto all = client.read_to_end();
        REQUIRE(all);
        CHECK(all->substr(0, row.begin.size()) == row.begin);
        CHECK(all->find("HTTP/1.1 5") == std::string::npos);
    }
    CHECK(watch.jobs() == 2);  // the one in chunks, and the one that asked first
    CHECK(watch.changes() == "");
    CHECK(serves());
}

TEST_CASE("O48 conversations by WebSocket that break the rules are closed, and start no job") {
    struct Row {
        std::string name;
        std::vector<std::string> frames;
        int code;
        int jobs = 0;
    };
    const auto text = [](const std::string& payload) {
        return support::masked({.opcode = 1, .payload = payload});
    };
    const auto begin = text(R"({"type":"init","language":"bash","version":"*",)"
                            R"("files":[{"content":"exec sleep 2.5"}]})");
    std::string unmasked = "\x81\x02{}";
    const Row rows[] = {
        {"no init", {}, 4001},
        {"two inits", {begin, begin}, 4000, 1},
        {"data before init", {text(R"({"type":"data","stream":"stdin","data":"x"})")}, 4003},
        {"data for its output",
         {begin, text(R"({"type":"data","stream":"stdout","data":"x"})")},
         4004,
         1},
        {"a signal that is none",
         {begin, text(R"({"type":"signal","signal":"SIGNOTHING"})")},
         4005,
         1},
        {"no JSON", {text("{")}, 4002},
        {"a name that leads out",
         {text(R"({"type":"init","language":"bash","version":"*",)"
               R"("files":[{"name":"../x","content":""}]})")},
         4002},
        {"a binary frame", {support::masked({.opcode = 2, .payload = "{}"})}, 4001},
        {"bytes that are no text", {text("\xff\xfe")}, 1007},
        {"a frame without a mask", {unmasked}, 1002},
        {"an opcode that is none", {support::masked({.opcode = 5, .payload = ""})}, 1002},
        {"a message that does not end",
         [] {
             std::vector<std::string> frames;
             for (int i = 0; i < 20; ++i)
                 frames.push_back(support::masked({.opcode = i == 0 ? 1 : 0,
                                                   .payload = std::string(1 << 20, ' '),
                                                   .fin = false}));
             return frames;
         }(),
         1009},
        {"a length of 2^62", {std::string{"\x81\xff\x40\0\0\0\0\0\0\0mask", 14}}, 4001},
        {"a length of 2^62, and some of it",
         {std::string{"\x81\xff\x40\0\0\0\0\0\0\0mask", 14}, std::string(16 << 20, ' ')},
         1009},
    };
    const Watch watch;
    int jobs = 0;
    for (const auto& row : rows) {
        CAPTURE(row.name);
        {
            WsClient client{engine().port()};
            for (const auto& frame : row.frames)
                if (!client.send_raw(frame)) break;
            client.read_to_close();
            CHECK(client.close_code == row.code);
        }
        jobs += row.jobs;
        CHECK(watch.changes() == "");
        CHECK(watch.jobs() == jobs);
    }
    CHECK(watch.changes() == "");
    CHECK(serves());
}
