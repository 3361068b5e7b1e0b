// POST /execute with "Accept: text/event-stream": a job told while it runs.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/support/engine_process.h"
#include "tests/support/http_client.h"

using support::EngineProcess;
using support::Json;

namespace {

EngineProcess& engine() {
    static EngineProcess shared;
    return shared;
}

std::string body(const std::string& language, const std::string& code, Json more = Json::object()) {
    Json request{
        {"language", language}, {"version", "*"}, {"files", Json::array({{{"content", code}}})}};
    request.update(more);
    return request.dump();
}

struct Event {
    std::string name;
    Json data;
};

// The body of a chunked answer, put together; empty if a chunk is not as it should be.
std::string unchunked(std::string_view text) {
    std::string joined;
    for (;;) {
        const auto end = text.find("\r\n");
        if (end == std::string_view::npos) return "";
        const auto size = std::stoul(std::string{text.substr(0, end)}, nullptr, 16);
        text.remove_prefix(end + 2);
        if (text.size() < size + 2 || text.substr(size, 2) != "\r\n") return "";
        if (size == 0) return joined;
        joined += text.substr(0, size);
        text.remove_prefix(size + 2);
    }
}

std::vector<Event> events_of(const std::string& text) {
    std::vector<Event> events;
    std::size_t at = 0;
    for (std::size_t end = 0; (end = text.find("\n\n", at)) != std::string::npos; at = end + 2) {
        const auto block = text.substr(at, end - at);
        const auto line = block.find("\ndata: ");
        REQUIRE(block.starts_with("event: "));
        REQUIRE(line != std::string::npos);
        events.push_back({block.substr(7, line - 7), Json::parse(block.substr(line + 7))});
    }
    CHECK(at == text.size());
    return events;
}

struct Answer {
    std::string head;
    std::vector<Event> events;
};

Answer ask(const std::string& request_body) {
    support::HttpClient client{engine().port()};
    client.send(support::post("/api/v2/execute", request_body,
                              "Accept: text/event-stream\r\nConnection: close\r\n"));
    const auto text = client.read_to_end().value_or("");
    const auto end = text.find("\r\n\r\n") + 4;
    return {text.substr(0, end), events_of(unchunked(std::string_view{text}.substr(end)))};
}

std::string outline(const std::vector<Event>& events) {
    std::string text;
    for (const auto& event : events) text += event.name + " ";
    return text;
}

}  // namespace

TEST_CASE("what a job does is told in order, and the whole answer at the end") {
    const auto answer = ask(body("bash", "echo out; sleep 0.2; echo err >&2; exit 2"));
    CHECK(answer.head.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(answer.head.find("Content-Type: text/event-stream; charset=utf-8\r\n") !=
          std::string::npos);
    CHECK(answer.head.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
    CHECK(answer.head.find("Content-Length") == std::string::npos);
    REQUIRE(outline(answer.events) == "runtime stage stdout stderr exit result ");
    CHECK(answer.events[0].data["language"] == "bash");
    CHECK(answer.events[1].data["stage"] == "run");
    CHECK(answer.events[2].data["data"] == "out\n");
    CHECK(answer.events[3].data["data"] == "err\n");
    CHECK(answer.events[4].data["code"] == 2);
    CHECK(answer.events[4].data["status"] == "RE");
    const auto& run = answer.events[5].data["run"];
    CHECK(run["stdout"] == "out\n");
    CHECK(run["output"] == "out\nerr\n");
    CHECK(run["code"] == 2);
}

TEST_CASE("a compiled job has two stages, and one if it does not compile") {
    CHECK(outline(ask(body("c", "int main() {}")).events) ==
          "runtime stage exit stage exit result ");
    const auto broken = ask(body("c", "int main() { return x; }")).events;
    CHECK(outline(broken).ends_with("stderr exit result "));
    CHECK(broken.back().data["run"] == broken.back().data["compile"]);
}

TEST_CASE("output arrives while the program still runs") {
    support::HttpClient client{engine().port()};
    client.send(support::post("/api/v2/execute", body("bash", "echo first; exec sleep 2.5"),
                              "Accept: text/event-stream\r\n"));
    const auto began = std::chrono::steady_clock::now();
    // Only the head has ended: a body without a length is what follows.
    const auto head = client.read_answer(true);
    REQUIRE(head);
    CHECK(head->status == 200);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::milliseconds{2000});
}

TEST_CASE("standard input is the request's, and it ends") {
    const auto events = ask(body("bash", "cat", {{"stdin", "given"}})).events;
    CHECK(events.back().data["run"]["stdout"] == "given\n");
}

TEST_CASE("a request that is wrong is answered as always, without a stream") {
    support::HttpClient client{engine().port()};
    client.send(
        support::post("/api/v2/execute", "{}", "Accept: text/event-stream, application/json\r\n"));
    const auto answer = client.read_answer();
    REQUIRE(answer);
    CHECK(answer->status == 400);
    CHECK(answer->body == R"({"message":"language is required as a string"})");
}

TEST_CASE("the connection goes on after a stream") {
    support::HttpClient client{engine().port()};
    client.send(
        support::post("/api/v2/execute", body("bash", "echo 1"), "Accept: text/event-stream\r\n") +
        support::get("/version", "Connection: close\r\n"));
    const auto text = client.read_to_end().value_or("");
    const auto next = text.find("\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n");
    CHECK(next != std::string::npos);
    CHECK(text.find("\"crankcase\"", next) != std::string::npos);
}

TEST_CASE("a client of HTTP/1.0 gets the stream without chunks, up to the end of the connection") {
    support::HttpClient client{engine().port()};
    const auto request = body("bash", "echo 1");
    client.send(
        "POST /api/v2/execute HTTP/1.0\r\nContent-Type: application/json\r\n"
        "Accept: text/event-stream\r\nContent-Length: " +
        std::to_string(request.size()) + "\r\n\r\n" + request);
    const auto text = client.read_to_end().value_or("");
    CHECK(text.find("Transfer-Encoding") == std::string::npos);
    CHECK(outline(events_of(text.substr(text.find("\r\n\r\n") + 4))) ==
          "runtime stage stdout exit result ");
}

TEST_CASE("a program waits for a client that does not read its events, and loses nothing") {
    support::HttpClient client{engine().port(), "127.0.0.1", 4096};
    EngineProcess large{{"limits.run.output=8MiB"}};
    support::HttpClient slow{large.port(), "127.0.0.1", 4096};
    slow.send(support::post("/api/v2/execute",
                            body("bash", "head -c 3000000 /dev/zero | tr '\\0' x"),
                            "Accept: text/event-stream\r\nConnection: close\r\n"));
    std::this_thread::sleep_for(std::chrono::milliseconds{300});  // a client that is busy elsewhere
    const auto text = slow.read_to_end().value_or("");
    const auto events =
        events_of(unchunked(std::string_view{text}.substr(text.find("\r\n\r\n") + 4)));
    std::size_t streamed = 0;
    for (const auto& event : events)
        if (event.name == "stdout") streamed += event.data["data"].get<std::string>().size();
    CHECK(streamed == 3'000'000);
    CHECK(events.back().data["run"]["stdout"].get<std::string>().size() == 3'000'000);
}

TEST_CASE("a job dies when the reader of its events goes") {
    support::abandon(engine().port(), body("bash", "sleep 20"), std::chrono::milliseconds{200});
    support::HttpClient client{engine().port()};
    client.send(support::post("/api/v2/execute", body("bash", "echo ready; exec sleep 20"),
                              "Accept: text/event-stream\r\n"));
    REQUIRE(client.read_answer(true));
    client.reset();
    CHECK(engine().wait_for_log("canceled", 2));
}
