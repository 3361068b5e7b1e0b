// The reading side: Pistache's reactor threads, and what they call.
//
// Pistache polls, reads and tells when a client has gone; nothing else of it is used. Connections
// are accepted on its threads by ourselves: its own listener spins when descriptors run out and can
// strand a connection that it passes from its thread to another (see README.md).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "api/http/session.h"
#include "isolate/sys/fd.h"

namespace http {

// Told of clients that come and go; called on the I/O threads.
class Clients {
public:
    virtual ~Clients() = default;

    // The session for a new client; `fd` stays the reading side's. Null: the client is let go.
    virtual std::shared_ptr<Session> on_connection(int fd, const std::string& client) = 0;
    virtual void on_end(Session& session) = 0;
};

class Reading {
public:
    // Takes the listening sockets and starts the threads. `clients` outlives it.
    Reading(std::vector<sys::UniqueFd> sockets, int threads, Clients& clients);
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    // Joins the threads and closes what they still read.
    ~Reading();

    void stop_accepting();

    // To be called now and then: takes up accepting where a lack of descriptors ended it.
    void accept_again();

private:
    class Reactor;

    const std::unique_ptr<Reactor> reactor_;
};

}  // namespace http
