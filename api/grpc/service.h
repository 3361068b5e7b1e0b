// executor.CodeExecutor as a service of the gRPC library: messages in and out, nothing else.
#pragma once

#include <memory>

#include "api/grpc/doorkeeper.h"
#include "api/resources/context.h"

namespace grpc {
class Service;
}

namespace rpc {

// Both arguments must outlive the server that has the service.
std::shared_ptr<grpc::Service> make_code_executor(resources::Context& context,
                                                  Doorkeeper& doorkeeper);

}  // namespace rpc
