// A client of an engine's REST interface: libcurl, one request at a time.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

namespace cli {

struct Answer {
    long status = 0;  // of HTTP
    std::string body;
    bool streamed = false;  // what there was of a body went to a sink

    bool operator==(const Answer&) const = default;
};

// "http://host:port" of what people write: a scheme is added, a trailing slash and "/api/v2" are
// taken away. Throws Failure{usage} for another scheme than http and https.
std::string base_url(const std::string& text);

// "/run/api.sock" of "unix:/run/api.sock"; empty for every other base.
std::string socket_path_of(const std::string& base);

// Where an engine of these settings is reached from this machine: 0.0.0.0 and [::] are loopback.
std::string url_of_listen(const std::string& listen);

// What an answer that is no success says: its "message", or its status. Pure.
std::string message_of(const Answer& answer);

// Throws Failure with the exit code an HTTP status means and the message, if it is no 2xx. Pure.
void throw_unless_good(const Answer& answer);

class Rest {
public:
    // The token, if any, is sent as "Authorization: Bearer …"; it is in no message.
    Rest(std::string base, std::string token);

    const std::string& base() const { return base_; }
    const std::string& token() const { return token_; }

    // The path begins with a slash. Connecting may take 10 s; an answer as long as it takes, until
    // `stop`. Redirects are not followed, and at most 64 MiB are read. Throws sys::Error{broken} if
    // no answer comes, {busy} if stopped.
    Answer get(const std::string& path, const std::stop_token& stop) const;
    Answer post(const std::string& path, const std::string& json,
                const std::stop_token& stop) const;
    Answer remove(const std::string& path, const std::string& json,
                  const std::stop_token& stop) const;

    // Asks for text/event-stream. Where that is what comes, with 200, the sink gets its bytes as
    // they arrive, however many; any other answer is one as post() has it. Throws what the sink
    // throws, and sys::Error{broken} if the stream breaks off.
    using Sink = std::function<void(std::string_view)>;
    Answer post_streamed(const std::string& path, const std::string& json,
                         const std::stop_token& stop, const Sink& sink) const;

private:
    struct Call {
        const char* method;
        const std::string& path;
        const std::string* json = nullptr;
        const Sink* sink = nullptr;  // then a stream is asked for
    };
    Answer request(const Call& call, const std::stop_token& stop) const;

    std::string base_, token_;
};

}  // namespace cli
