#include "api/resources/readiness.h"

#include <utility>

#include "api/resources/answer.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace resources {

namespace {

using std::chrono::steady_clock;

constexpr auto good_for = std::chrono::seconds{5};
// Bad news is looked at again soon: whoever waits for the engine to become ready should not wait
// longer.
constexpr auto bad_for = std::chrono::milliseconds{200};

void tell(http::Exchange& exchange, const std::string& trouble) {
    exchange.answer(trouble.empty() ? json(200, R"({"status":"ready"})") : message(503, trouble));
}

}  // namespace

// What needs no canary to be known; call with the mutex held.
std::string Readiness::known_trouble() const {
    if (withdrawn_) return "shutting down";
    const auto pool = pool_.status();
    return pool.keeper_alive ? std::string{} : pool.trouble;
}

void Readiness::answer(const std::shared_ptr<http::Exchange>& exchange) {
    std::unique_lock lock{mutex_};
    const auto trouble = known_trouble();
    const auto age = steady_clock::now() - proven_;
    if (!trouble.empty() || age < (trouble_.empty() ? steady_clock::duration{good_for} : bad_for)) {
        const auto text = trouble.empty() ? trouble_ : trouble;
        lock.unlock();
        return tell(*exchange, text);
    }
    waiting_.push_back(exchange);
    if (std::exchange(flying_, true)) return;
    lock.unlock();
    send_canary();
}

std::string Readiness::trouble() {
    const std::lock_guard lock{mutex_};
    return known_trouble();
}

void Readiness::withdraw() {
    const std::lock_guard lock{mutex_};
    withdrawn_ = true;
}

void Readiness::send_canary() {
    try {
        // A client of its own: the proof does not wait behind anybody's hundred jobs.
        admission_.submit({.client = {.kind = engine::Client::Kind::engine}}, [this] { fly(); });
    } catch (const sys::Error&) {
        // The queue is full: whoever asks should send nothing more here for a while.
        std::vector<std::shared_ptr<http::Exchange>> waiting;
        {
            const std::lock_guard lock{mutex_};
            flying_ = false;
            waiting.swap(waiting_);
        }
        for (const auto& exchange : waiting) tell(*exchange, "busy");
    }
}

// On a slot's thread, of which it is the top.
void Readiness::fly() {
    std::string trouble;
    try {
        engine_.prove_readiness({});
    } catch (const std::exception& error) {
        trouble = error.what();
        sys::log(sys::Level::warn, "not_ready", {{"error", trouble}});
    }
    std::vector<std::shared_ptr<http::Exchange>> waiting;
    {
        const std::lock_guard lock{mutex_};
        trouble_ = trouble;
        proven_ = steady_clock::now();
        flying_ = false;
        waiting.swap(waiting_);
    }
    for (const auto& exchange : waiting) tell(*exchange, trouble);
}

}  // namespace resources
