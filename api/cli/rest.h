// A client of an engine's REST interface: libcurl, one request at a time.
#pragma once

#include <stop_token>
#include <string>

namespace cli {

struct Answer {
    long status = 0;  // of HTTP
    std::string body;

    bool operator==(const Answer&) const = default;
};

// "http://host:port" of what people write: a scheme is added, a trailing slash and "/api/v2" are
// taken away. Throws Failure{usage} for another scheme than http and https.
std::string base_url(const std::string& text);

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

    // The path begins with a slash. Connecting may take 10 s; an answer as long as it takes, until
    // `stop`. Redirects are not followed, and at most 64 MiB are read. Throws sys::Error{broken} if
    // no answer comes, {busy} if stopped.
    Answer get(const std::string& path, const std::stop_token& stop) const;
    Answer post(const std::string& path, const std::string& json,
                const std::stop_token& stop) const;
    Answer remove(const std::string& path, const std::string& json,
                  const std::stop_token& stop) const;

private:
    Answer request(const char* method, const std::string& path, const std::string* json,
                   const std::stop_token& stop) const;

    std::string base_, token_;
};

}  // namespace cli
