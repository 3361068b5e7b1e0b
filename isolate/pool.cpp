#include "isolate/pool.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "isolate/sys/error.h"

namespace isolate {

namespace {

using sys::Error;
using sys::Kind;
using Clock = std::chrono::steady_clock;

bool serves(const Runner& runner, const ZygoteKey* wanted) {
    return runner.zygote && wanted && runner.zygote->serves(*wanted);
}

// Nothing if the runner did not survive it.
std::optional<Lease> without_others_zygote(Lease lease, const ZygoteKey* wanted) {
    if (!serves(lease.runner(), wanted)) end_zygote(lease.runner());
    if (lease.runner().broken()) return std::nullopt;
    return lease;
}

}  // namespace

Lease::~Lease() {
    if (runner_) pool_->give_back(std::move(runner_));
}

Pool::Pool(config::Pool settings, Filter filter, sys::UniqueFd keepers, SelfTest self_test,
           Cleaned cleaned)
    : settings_(std::move(settings)),
      filter_(std::move(filter)),
      self_test_(self_test),
      cleaned_(std::move(cleaned)),
      keepers_(std::move(keepers)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) sys::fail("eventfd");
    tender_ = std::jthread{[this](std::stop_token stop) { tend(std::move(stop)); }};
}

Pool::~Pool() {
    tender_.request_stop();
    wake_tender();
}

void Pool::wake_tender() const {
    const std::uint64_t one = 1;
    // The counter being full means that the tender is awake.
    [[maybe_unused]] const auto written = ::write(wake_.get(), &one, sizeof one);
}

int Pool::count(State state) const {
    return static_cast<int>(std::count_if(slots_.begin(), slots_.end(), [state](const auto& slot) {
        return slot.second.state == state;
    }));
}

PoolStatus Pool::status() const {
    const std::lock_guard lock{mutex_};
    return {.ready = count(State::ready),
            .leased = count(State::leased),
            .starting = count(State::starting),
            .inspected = count(State::returned),
            .keeper_alive = keeper_alive_,
            .trouble = trouble_};
}

bool Pool::is_surplus(std::uint32_t index) const {
    return index >= static_cast<std::uint32_t>(settings_.runners + beside_);
}

void Pool::keep_beside(int runners) {
    {
        const std::lock_guard lock{mutex_};
        if (std::exchange(beside_, runners) == runners) return;
        const auto leaving =
            std::stable_partition(ready_.begin(), ready_.end(),
                                  [&](const auto& runner) { return !is_surplus(runner->index()); });
        for (auto runner = leaving; runner != ready_.end(); ++runner) {
            auto& slot = slots_.at((*runner)->index());
            slot.state = State::returned;
            slot.returned = Clock::now();
            returned_.push_back(std::move(*runner));
        }
        ready_.erase(leaving, ready_.end());
    }
    wake_tender();
}

bool Pool::has_beside(int runners) const {
    const std::lock_guard lock{mutex_};
    const int there = count(State::ready) + count(State::leased) + count(State::returned);
    return there > settings_.runners + runners;
}

// Of those that serve best the one that was used last: with a zygote for it, with none, or with one
// that will be lost and of which the least is left. The list must not be empty.
std::unique_ptr<Runner> Pool::pop_ready(const ZygoteKey* preferred) {
    const auto rank = [preferred](const std::unique_ptr<Runner>& runner) {
        if (!runner->zygote) return most_forks + 1;
        return serves(*runner, preferred) ? most_forks + 2 : runner->zygote->forks;
    };
    const auto best = std::max_element(
        ready_.rbegin(), ready_.rend(),
        [&](const auto& one, const auto& other) { return rank(one) < rank(other); });
    auto runner = std::move(*best);
    ready_.erase(std::next(best).base());
    return runner;
}

int Pool::forks_left(const ZygoteKey& key) const {
    const std::lock_guard lock{mutex_};
    int most = 0;
    for (const auto& runner : ready_)
        if (serves(*runner, &key)) most = std::max(most, runner->zygote->forks_left());
    return most;
}

void Pool::end_old_zygotes() {
    for (;;) {
        std::unique_ptr<Runner> runner;
        {
            const std::lock_guard lock{mutex_};
            const auto idle = std::ranges::find_if(ready_, [&](const auto& ready) {
                return ready->zygote && ready->zygote->until < Clock::now();
            });
            if (idle == ready_.end()) return;
            runner = std::move(*idle);
            ready_.erase(idle);
            slots_.at(runner->index()).state = State::leased;
        }
        Lease lease{*this, std::move(runner)};
        end_zygote(lease.runner());
    }
}

Lease Pool::lease(std::stop_token stop, const ZygoteKey* preferred) {
    const auto give_up = Clock::now() + settings_.start_timeout;
    std::unique_lock lock{mutex_};
    bool was_ready = !ready_.empty();
    for (;;) {
        const bool come =
            changed_.wait_until(lock, stop, give_up, [this] { return !ready_.empty(); });
        if (!come && stop.stop_requested())
            throw Error(Kind::busy, "nobody waits for this job any more");
        if (!come) {
            throw Error(Kind::broken, "no runner became ready within " +
                                          config::to_string(settings_.start_timeout) +
                                          (trouble_.empty() ? "" : ": " + trouble_));
        }
        auto runner = pop_ready(preferred);
        auto& slot = slots_.at(runner->index());
        if (runner->is_quiet()) {
            slot.state = State::leased;
            lock.unlock();
            auto lease = without_others_zygote({*this, std::move(runner), was_ready}, preferred);
            if (lease) return std::move(*lease);
            lock.lock();
            continue;
        }
        // It died while it rested and the keeper has not said so yet.
        runner->mark_broken();
        slot.state = State::returned;
        returned_.push_back(std::move(runner));
        was_ready = !ready_.empty();
        wake_tender();
    }
}

void Pool::give_back(std::unique_ptr<Runner> runner) {
    {
        const std::lock_guard lock{mutex_};
        const auto slot = slots_.find(runner->index());
        // The container ended meanwhile, and perhaps another has its place already.
        if (slot == slots_.end() || slot->second.serial != runner->serial()) return;
        slot->second.state = State::returned;
        slot->second.returned = Clock::now();
        returned_.push_back(std::move(runner));
    }
    wake_tender();
}

}  // namespace isolate
