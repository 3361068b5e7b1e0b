// GET /connect: Piston's WebSocket, a job that is talked to while it runs (contract section 4).
//
// Beyond Piston: signals reach the job, a job is killed when its client goes, input can end, output
// is bounded, both sides wait for each other, "pty" gives it a terminal, "exit" tells more.
#pragma once

#include <atomic>
#include <memory>

#include "api/http/exchange.h"
#include "api/ws/hall.h"
#include "config/units.h"

namespace resources {

struct Context;

// Every open WebSocket and what is common to them. Outlives the jobs it started; stop its hall
// before what the handlers work with goes.
class Connections {
public:
    // The bound is on one message of a client.
    explicit Connections(config::Bytes message_limit) : hall_(message_limit) {}

    ws::Hall& hall() { return hall_; }

    // Takes a place for an interactive job; false if `most` are taken. leave() gives it back.
    bool enter(int most);
    void leave() { --jobs_; }

private:
    std::atomic<int> jobs_ = 0;
    ws::Hall hall_;
};

void connect(Context& context, const std::shared_ptr<http::Exchange>& exchange);

}  // namespace resources
