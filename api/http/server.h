// The HTTP server: listens, and hands every complete request to one handler.
//
// Threads: `io_threads` of Pistache's reactor, which accept, read and run the handler, and one that
// writes what clients are slow to read and keeps the clock. All are there from construction to
// destruction, with signals blocked. Every bound of config::Server is kept whatever clients do;
// SIGPIPE is never raised.
#pragma once

#include <cstdint>
#include <memory>

#include "api/http/exchange.h"
#include "api/http/refusals.h"
#include "config/settings.h"
#include "isolate/sys/fd.h"

namespace http {

class Server {
public:
    // Listens and serves at once, also on `unix_socket` if there is one, which listens already.
    // Throws Error{invalid} or Error{broken} if it cannot listen.
    Server(const config::Server& settings, Handler handler, sys::UniqueFd unix_socket = {});
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // Ends all connections; requests in progress are told that their client has gone. Their
    // exchanges may be answered later, to nobody. The handler runs no more, except where a thread
    // is still in it.
    ~Server();

    // The port listened on, also if the settings said 0; 0 if there is none.
    std::uint16_t port() const;

    // New clients are refused by the kernel, idle connections end, the others after their next
    // answer.
    void stop_accepting();

    // Open connections, among them those whose client has gone and whose answer is still to come.
    int connections() const;

    // Of this server, since it listens.
    Refusals refusals() const;

private:
    class Core;

    const std::unique_ptr<Core> core_;
};

}  // namespace http
