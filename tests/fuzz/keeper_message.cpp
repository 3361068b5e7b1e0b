// libFuzzer: whatever daemon and keeper say to one another, it is an order or news within its
// bounds, or nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "isolate/messages.h"

namespace {

void expect(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span{data, size});
    if (const auto order = isolate::read_order(bytes)) {
        expect(order->index < isolate::max_runners);
        expect(order->verb == isolate::Verb::start_runner ||
               order->verb == isolate::Verb::stop_runner);
    }
    const auto news = isolate::read_news(bytes);
    if (!news) return 0;
    if (const auto* started = std::get_if<isolate::StartedNews>(&*news)) {
        expect(started->runner.index < isolate::max_runners);
    } else {
        const auto& ended = std::get<isolate::EndedNews>(*news);
        expect(ended.index < isolate::max_runners);
        expect(ended.reason.size() <= sizeof isolate::RunnerEnded::reason);
    }
    return 0;
}
