// The server of a program that was built without gRPC. The settings refuse grpc.listen, so nobody
// gets to make one.
#include "api/grpc/server.h"
#include "isolate/sys/error.h"

namespace rpc {

class Server::Running {};

Server::Server(const config::Settings&, resources::Context&) {
    throw sys::Error(sys::Kind::broken, "this program was built without gRPC");
}

Server::~Server() = default;

std::uint16_t Server::port() const {
    return 0;
}

void Server::stop_accepting() {}

}  // namespace rpc
