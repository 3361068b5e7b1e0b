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
#include <string>
#include <utility>
#include <vector>

#include "api/http/message.h"
#include "api/http/stream.h"

namespace http {

// A connection that speaks another protocol from now on. Whoever has it reads from the descriptor
// of the output, which the HTTP server does no more, and ends it.
struct Upgraded {
    std::shared_ptr<Output> output;
    std::string ahead;  // what the client sent before the reading side let go
};
using Takeover = std::function<void(Upgraded)>;

class Exchange {
public:
    // How an answer reaches the client; an exchange uses one of them, once.
    struct Ways {
        std::function<void(const Request&, Response)> answer;
        std::function<std::shared_ptr<Stream>(const Request&, Response)> begin = {};
        std::function<bool(std::string, Takeover)> upgrade = {};
    };

    // `client_gone` is the exchange's stop token.
    Exchange(Request request, std::stop_token client_gone, Ways ways);
    Exchange(const Exchange&) = delete;
    Exchange& operator=(const Exchange&) = delete;
    ~Exchange();

    const Request& request() const { return request_; }

    // Stops when the client has closed its end or the server is shutting down. Callbacks on it run
    // on an I/O thread: they must be short and must not block.
    std::stop_token client_gone() const { return client_gone_; }

    // A field of the answer, whatever it will be. Only before the exchange is handed on.
    void add_field(Field field) { fields_.push_back(std::move(field)); }

    // Sends the answer. Only the first call of this or the following counts.
    void answer(Response response);

    // Sends the head of an answer whose body follows in pieces; the body of `head` is not used.
    // Null if there is an answer already.
    std::shared_ptr<Stream> begin(Response head);

    // Sends `head`, which must be a whole 101, and hands the connection over, on an I/O thread soon
    // after. Only within the handler. False: not possible here (requests were pipelined, or there
    // is an answer already), nothing was sent, and an answer is still due.
    bool upgrade(std::string head, Takeover takeover);

private:
    Response with_fields(Response response) const;

    const Request request_;
    const std::stop_token client_gone_;
    const Ways ways_;
    std::vector<Field> fields_;
    std::atomic<bool> answered_ = false;
};

// What is done with a request. It must not block: it answers at once or hands the exchange on. It
// runs on an I/O thread, or for a pipelined request on the thread that answered the one before.
using Handler = std::function<void(const std::shared_ptr<Exchange>&)>;

}  // namespace http
