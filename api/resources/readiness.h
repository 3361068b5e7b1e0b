// Proof that the engine can run code: a canary job, not a guess. One canary serves everybody who
// asks within a few seconds, so that asking often costs nothing.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/http/exchange.h"
#include "engine/admission.h"
#include "engine/engine.h"

namespace resources {

class Readiness {
public:
    Readiness(const isolate::Pool& pool, engine::Engine& engine, engine::Admission& admission)
        : pool_(pool), engine_(engine), admission_(admission) {}

    // Answers 200, or 503 with the reason: at once if a proof is fresh, else when the canary has
    // run.
    void answer(const std::shared_ptr<http::Exchange>& exchange);

    // What is known to be in the way without trying anything; empty: nothing.
    std::string trouble();

    // From now on nobody is told to come here: the engine is shutting down.
    void withdraw();

private:
    std::string known_trouble() const;
    void send_canary();
    void fly();

    const isolate::Pool& pool_;
    engine::Engine& engine_;
    engine::Admission& admission_;
    std::mutex mutex_;
    std::chrono::steady_clock::time_point proven_{};  // of the last proof, good or bad
    std::string trouble_ = "not tried yet";
    bool withdrawn_ = false;
    bool flying_ = false;  // a canary is on its way
    std::vector<std::shared_ptr<http::Exchange>> waiting_;
};

}  // namespace resources
