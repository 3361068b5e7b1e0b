#include "api/resources/plain.h"

#include "api/resources/answer.h"
#include "api/resources/version.h"
#include "api/wire/runtimes.h"

namespace resources {

void greeting(Context&, const std::shared_ptr<http::Exchange>& exchange) {
    exchange->answer(message(200, std::string{"Piston v"} + piston_version));
}

void runtimes(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    exchange->answer(json(200, wire::encode_runtimes(*context.engine.runtimes())));
}

void healthz(Context&, const std::shared_ptr<http::Exchange>& exchange) {
    exchange->answer(json(200, R"({"status":"ok"})"));
}

void readyz(Context& context, const std::shared_ptr<http::Exchange>& exchange) {
    context.readiness.answer(exchange);
}

void version(Context&, const std::shared_ptr<http::Exchange>& exchange) {
    exchange->answer(json(200, std::string{R"({"name":"crankcase","version":")"} + engine_version +
                                   R"(","piston":")" + piston_version + R"("})"));
}

}  // namespace resources
