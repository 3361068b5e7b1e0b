#include "engine/admission.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace engine {

namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A share of a limit that leaves at least one.
std::uint64_t share_of(std::uint64_t limit, int percent) {
    return std::max<std::uint64_t>(1, limit / 100 * static_cast<std::uint64_t>(percent) +
                                          limit % 100 * static_cast<std::uint64_t>(percent) / 100);
}

// Follows the last dozen or so.
microseconds moved(microseconds usual, microseconds latest) {
    return usual + (latest - usual) / 8;
}

}  // namespace

seconds retry_after(std::size_t ahead, microseconds usual, int slots) {
    constexpr std::int64_t longest = 60;
    constexpr std::int64_t most_ahead = 1'000'000;
    const auto count = std::min<std::int64_t>(static_cast<std::int64_t>(ahead), most_ahead);
    const auto time = count * usual / std::max(slots, 1);
    return seconds{std::clamp<std::int64_t>(std::chrono::ceil<seconds>(time).count(), 1, longest)};
}

Admission::Admission(const config::Admission& settings) : settings_(settings) {
    for (int i = 0; i < settings_.concurrent_jobs; ++i) {
        slots_.emplace_back([this](std::stop_token stop) { serve(stop); });
    }
}

Admission::~Admission() {
    for (auto& slot : slots_) slot.request_stop();
    std::vector<Waiting> dropped;
    const std::lock_guard lock{mutex_};
    dropped = queue_.take_if([](const Waiting&) { return true; });
}

void Admission::submit(Ticket ticket, std::function<void()> work) {
    std::vector<Waiting> dropped;  // let go of behind the lock: what they hold may answer
    {
        const std::lock_guard lock{mutex_};
        auto why = trouble(ticket);
        if (!why.empty()) {
            dropped =
                queue_.take_if([](const Waiting& item) { return item.gone.stop_requested(); });
            if (!dropped.empty()) why = trouble(ticket);
        }
        if (!why.empty()) {
            throw Busy(why + "; try again later",
                       retry_after(queue_.all().items, usual_, settings_.concurrent_jobs));
        }
        queue_.push(ticket.client, ticket.size.count, ticket.most_running,
                    {std::move(ticket.gone), std::move(work)});
    }
    changed_.notify_one();
}

bool Admission::offer(const Ticket& ticket, std::function<void()> work) {
    {
        const std::lock_guard lock{mutex_};
        if (running_ + static_cast<int>(queue_.all().items) >= settings_.concurrent_jobs ||
            queue_.is_full(ticket.client, ticket.most_running)) {
            return false;
        }
        queue_.push(ticket.client, ticket.size.count, ticket.most_running,
                    {ticket.gone, std::move(work)});
    }
    changed_.notify_one();
    return true;
}

bool Admission::is_wanted() const {
    const std::lock_guard lock{mutex_};
    // What has a free slot ahead of it is about to take that.
    return running_ >= settings_.concurrent_jobs && queue_.has_turn();
}

// Why work may not wait, naming the key that lets more of it; empty if it may. With the mutex held.
std::string Admission::trouble(const Ticket& ticket) const {
    const auto all = queue_.all();
    if (running_ + static_cast<int>(all.items) < settings_.concurrent_jobs) return {};
    if (all.items >= static_cast<std::size_t>(settings_.queued_jobs))
        return std::to_string(all.items) + " jobs are waiting already (admission.queued_jobs)";
    if (all.bytes + ticket.size.count > settings_.queued_bytes.count)
        return "jobs of " + config::to_string(config::Bytes{all.bytes}) +
               " are waiting already (admission.queued_bytes)";
    const auto own = queue_.of(ticket.client);
    const auto percent = std::to_string(settings_.client_share) + " % of the queue";
    if (own.items >=
        share_of(static_cast<std::uint64_t>(settings_.queued_jobs), settings_.client_share))
        return std::to_string(own.items) + " jobs of yours are waiting already, which is " +
               percent + " (admission.client_share, admission.queued_jobs)";
    if (own.bytes > 0 && own.bytes + ticket.size.count >
                             share_of(settings_.queued_bytes.count, settings_.client_share))
        return "jobs of yours of " + config::to_string(config::Bytes{own.bytes}) +
               " are waiting already, and a client may have " + percent +
               " (admission.client_share, admission.queued_bytes)";
    return {};
}

AdmissionStatus Admission::status() const {
    const std::lock_guard lock{mutex_};
    const auto all = queue_.all();
    return {.running = running_,
            .waiting = static_cast<int>(all.items),
            .waiting_bytes = config::Bytes{all.bytes},
            .clients = static_cast<int>(queue_.clients())};
}

void Admission::serve(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    while (changed_.wait(lock, stop, [this] { return queue_.has_turn(); })) {
        auto [client, next] = *queue_.take();
        ++running_;
        const bool more = queue_.has_turn();
        lock.unlock();
        // A client that may have more running than before brings several turns with one item.
        if (more) changed_.notify_one();
        const auto begin = steady_clock::now();
        next.work();
        next.work = nullptr;  // what it holds goes before the slot is free
        const auto time = duration_cast<microseconds>(steady_clock::now() - begin);
        lock.lock();
        usual_ = moved(usual_, time);
        --running_;
        queue_.ended(client);
    }
}

}  // namespace engine
