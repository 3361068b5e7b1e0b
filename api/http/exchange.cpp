#include "api/http/exchange.h"

#include <exception>
#include <utility>

#include "isolate/sys/log.h"

namespace http {

Exchange::Exchange(Request request, std::stop_token client_gone, Reply reply)
    : request_(std::move(request)),
      client_gone_(std::move(client_gone)),
      reply_(std::move(reply)) {}

Exchange::~Exchange() {
    if (answered_) return;
    try {
        answer(problem(500, "the request was dropped without an answer"));
    } catch (const std::exception& error) {
        sys::log(sys::Level::error, "answer_lost", {{"error", error.what()}});
    }
}

void Exchange::answer(Response response) {
    if (answered_.exchange(true)) return;
    reply_(request_, std::move(response));
}

}  // namespace http
