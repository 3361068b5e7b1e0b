// One request and the duty to answer it once.
//
// Whoever is to answer holds the exchange by shared_ptr and may do so from any thread, at any later
// time, even after the client or the server has gone: then the answer is dropped. An exchange that
// is destroyed unanswered answers 500, so that no client waits for something that nobody does any
// more.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <stop_token>

#include "api/http/message.h"

namespace http {

class Exchange {
public:
    using Reply = std::function<void(const Request&, Response)>;

    // `reply` takes the one answer; `client_gone` is its stop token.
    Exchange(Request request, std::stop_token client_gone, Reply reply);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    const Request& request() const { return request_; }

    // Stops when the client has closed its end or the server is shutting down. Callbacks on it run
    // on an I/O thread: they must be short and must not block.
    std::stop_token client_gone() const { return client_gone_; }

    // Sends the answer. Only the first call counts.
    void answer(Response response);

private:
    const Request request_;
    const std::stop_token client_gone_;
    const Reply reply_;
    std::atomic<bool> answered_ = false;
};

// What is done with a request. It must not block: it answers at once or hands the exchange on. It
// runs on an I/O thread, or for a pipelined request on the thread that answered the one before.
using Handler = std::function<void(const std::shared_ptr<Exchange>&)>;

}  // namespace http
