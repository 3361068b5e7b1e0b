// One HTTP/1.1 response, put together from bytes as they arrive.
//
// It understands what servers of this API send: a status line, Content-Length or chunked bodies,
// and bodies that end with the connection. It is a client's reader for loopback measurements and
// makes no attempt to survive a hostile server.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bench {

class HttpResponse {
public:
    // Forgets the last response; buffers stay, so that a loop does not allocate.
    void clear();

    // Takes the next bytes. Throws Error{broken} if they are not HTTP.
    void feed(std::string_view bytes);

    // The connection has ended. Returns false if that cut the response short.
    bool finish();

    bool complete() const { return stage_ == Stage::done; }
    bool empty() const { return stage_ == Stage::head && head_.empty(); }
    int status() const { return status_; }
    bool keeps_connection() const { return keeps_connection_; }
    std::string_view body() const { return body_; }

private:
    enum class Stage { head, sized_body, chunked_body, body_until_close, done };

    void parse_head();
    void take_body(std::string_view bytes);
    void take_chunks();

    Stage stage_ = Stage::head;
    int status_ = 0;
    bool keeps_connection_ = true;
    std::size_t length_ = 0;
    std::string head_;
    std::string body_;
    std::string chunks_;  // received, not yet decoded
};

}  // namespace bench
