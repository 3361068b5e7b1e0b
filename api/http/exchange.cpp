#include "api/http/exchange.h"

#include <exception>
#include <utility>

#include "isolate/sys/log.h"

namespace http {

Exchange::Exchange(Request request, std::stop_token client_gone, Ways ways)
    : request_(std::move(request)), client_gone_(std::move(client_gone)), ways_(std::move(ways)) {}

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
    ways_.answer(request_, with_fields(std::move(response)));
}

std::shared_ptr<Stream> Exchange::begin(Response head) {
    if (answered_.exchange(true)) return nullptr;
    return ways_.begin(request_, with_fields(std::move(head)));
}

bool Exchange::upgrade(std::string head, Takeover takeover) {
    if (answered_.exchange(true)) return false;
    if (ways_.upgrade && ways_.upgrade(std::move(head), std::move(takeover))) return true;
    answered_ = false;
    return false;
}

Response Exchange::with_fields(Response response) const {
    response.fields.insert(response.fields.end(), fields_.begin(), fields_.end());
    return response;
}

}  // namespace http
