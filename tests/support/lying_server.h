// A server of HTTP on 127.0.0.1 that says whatever a test wants: wrong lengths, half a body,
// redirects in a circle, nothing at all. One connection at a time, one request each. Its thread and
// its port are gone when it is destroyed, whatever it is in the middle of.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "isolate/sys/fd.h"

namespace support {

class LyingServer {
public:
    struct Request {
        std::string method, target;
        std::map<std::string, std::string> headers;  // names in lower case

        // The value of a header, or "".
        std::string header(const std::string& name) const;
    };

    // What a handler may do with the connection, which is closed when it returns.
    class Line {
    public:
        Line(const sys::UniqueFd& socket, const sys::UniqueFd& quit)
            : socket_(socket), quit_(quit) {}

        // False if the client or the server is gone.
        bool send(std::string_view bytes);
        // Some bytes, at most that many; empty if the client or the server is gone.
        std::string receive(std::size_t most);
        // The request's body, as long as its Content-Length says.
        std::string body_of(const Request& request);
        // A head of that status, with a Content-Length, and the body.
        void answer(const std::string& status, std::string_view body,
                    const std::string& more_headers = "");
        // Says nothing until the client hangs up or the server is destroyed.
        void stall();

    private:
        const sys::UniqueFd& socket_;
        const sys::UniqueFd& quit_;
    };
    using Handler = std::function<void(const Request&, Line&)>;

    explicit LyingServer(Handler handler);
    LyingServer(const LyingServer&) = delete;
    LyingServer& operator=(const LyingServer&) = delete;
    ~LyingServer();

    // Ends its thread, whatever it is in the middle of; what a handler wrote can then be read.
    void stop();

    // "http://127.0.0.1:PORT<path>"
    std::string url(const std::string& path, const std::string& host = "127.0.0.1") const;
    // All requests so far.
    std::vector<Request> requests() const;

private:
    void serve();
    void answer_one(const sys::UniqueFd& socket);

    Handler handler_;
    sys::UniqueFd listener_, quit_;
    int port_ = 0;
    mutable std::mutex mutex_;
    std::vector<Request> requests_;
    std::thread thread_;
};

}  // namespace support
