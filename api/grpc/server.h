// gRPC on a port of its own: executor.CodeExecutor, the standard health service and reflection.
//
// The library brings its threads; they exist from the constructor to the destructor, so make one in
// the server process only. Plain text: like the HTTP port it is for the loopback or for a proxy
// that has the certificates.
#pragma once

#include <cstdint>
#include <memory>

#include "api/resources/context.h"
#include "config/settings.h"

namespace rpc {

class Server {
public:
    // Serves at once. Throws sys::Error{broken} naming the address if it cannot listen there, or if
    // this program was built without gRPC. The context must outlive it.
    Server(const config::Settings& settings, resources::Context& context);
    // Calls that are open still are canceled, and waited for.
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const;

    // From now on new calls fail as unavailable, and the health service says not to send any.
    void stop_accepting();

private:
    class Running;
    const std::unique_ptr<Running> running_;
};

}  // namespace rpc
