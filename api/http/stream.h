// An answer that is sent in pieces while it is made.
//
// Held by whoever makes it; any thread may send, one at a time. What is sent goes to the client at
// once or is parked for it (writer.h). A stream that is dropped before finish() cuts the
// connection: half an answer must not look like a whole one.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "api/http/writer.h"

namespace http {

class Stream {
public:
    // `done` is called once, with whether the answer is complete. Chunked: as HTTP/1.1 frames what
    // has no length (RFC 9112, section 7.1); else the end of the connection is the end.
    Stream(std::shared_ptr<Output> output, bool chunked, std::function<void(bool complete)> done);
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;
    ~Stream();

    void send(std::string_view bytes);
    void finish();

    // Bytes that the client has not taken yet.
    std::size_t unsent() const { return output_->unsent(); }

    // Called on the writer's thread whenever a client that was behind has taken everything.
    void on_drained(std::function<void()> callback) { output_->on_drained(std::move(callback)); }

private:
    const std::shared_ptr<Output> output_;
    const bool chunked_;
    std::function<void(bool)> done_;
};

}  // namespace http
