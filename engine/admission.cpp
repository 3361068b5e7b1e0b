#include "engine/admission.h"

#include <utility>

#include "isolate/sys/error.h"

namespace engine {

Admission::Admission(const config::Admission& settings) : settings_(settings) {
    for (int i = 0; i < settings_.concurrent_jobs; ++i) {
        slots_.emplace_back([this](std::stop_token stop) { serve(stop); });
    }
}

Admission::~Admission() {
    for (auto& slot : slots_) slot.request_stop();
    std::deque<Waiting> dropped;
    const std::lock_guard lock{mutex_};
    dropped.swap(queue_);
}

void Admission::submit(config::Bytes size, std::function<void()> work) {
    {
        const std::lock_guard lock{mutex_};
        const bool idle = running_ + static_cast<int>(queue_.size()) < settings_.concurrent_jobs;
        if (!idle && static_cast<int>(queue_.size()) >= settings_.queued_jobs) {
            throw sys::Error(
                sys::Kind::busy,
                std::to_string(queue_.size()) +
                    " jobs are waiting already (admission.queued_jobs); try again later");
        }
        if (!idle && queued_.count + size.count > settings_.queued_bytes.count) {
            throw sys::Error(sys::Kind::busy,
                             "jobs of " + config::to_string(queued_) +
                                 " are waiting already (admission.queued_bytes); try again later");
        }
        queued_.count += size.count;
        queue_.push_back({size, std::move(work)});
    }
    changed_.notify_one();
}

AdmissionStatus Admission::status() const {
    const std::lock_guard lock{mutex_};
    return {
        .running = running_, .waiting = static_cast<int>(queue_.size()), .waiting_bytes = queued_};
}

void Admission::serve(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (changed_.wait(lock, stop, [this] { return !queue_.empty(); })) {
        auto next = std::move(queue_.front());
        queue_.pop_front();
        queued_.count -= next.size.count;
        ++running_;
        lock.unlock();
        next.work();
        next.work = nullptr;  // what it holds goes before the slot is free
        lock.lock();
        --running_;
    }
}

}  // namespace engine
