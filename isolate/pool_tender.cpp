// The tender's thread: keepers come and go, runners are adopted, proven, inspected and scrapped.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "isolate/pool.h"
#include "isolate/self_test.h"
#include "isolate/sys/error.h"
#include "isolate/sys/fail_point.h"
#include "isolate/sys/log.h"

namespace isolate {

namespace {

using sys::Error;
using Clock = std::chrono::steady_clock;

// Freeing a full box takes 15 ms per 64 MiB; a runner that needs this long is in trouble.
constexpr auto inspection_patience = std::chrono::milliseconds{3000};
constexpr auto first_pause = std::chrono::milliseconds{100};
constexpr auto longest_pause = std::chrono::milliseconds{5000};
constexpr int resting_members = 1;  // of the job's cgroup: the spawner

// Why a runner goes with which nothing is wrong.
constexpr const char* old = "old";
constexpr const char* surplus = "not needed any more";

}  // namespace

void Pool::tend(std::stop_token stop) {
    while (!stop.stop_requested()) {
        try {
            inspect_returned();
            start_missing();
        } catch (const std::exception& error) {
            sys::log(sys::Level::error, "pool_trouble", {{"error", error.what()}});
        }
        wait_for_something();
    }
}

// A runner whose last PID 1 is still on its way out comes into its turn when init has spoken.
void Pool::wait_for_something() {
    const auto now = Clock::now();
    auto until = not_before_ > now ? not_before_ : Clock::time_point::max();
    std::vector<pollfd> events{
        {wake_.get(), POLLIN, 0}, {keepers_.get(), POLLIN, 0}, {keeper_.get(), POLLIN, 0}};
    {
        // The tender alone takes runners from the list, so their sockets stay.
        const std::lock_guard lock{mutex_};
        for (const auto& runner : returned_) {
            if (!runner->leaving()) continue;
            events.push_back({runner->ctl().get(), POLLIN, 0});
            until = std::min(until, runner->leaving()->since + inspection_patience);
        }
    }
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    // Should it fail, nothing has happened and the next round asks again.
    [[maybe_unused]] const int happened = SYS_FAIL_POINT(
        "pool.poll",
        ::poll(events.data(), events.size(),
               until == Clock::time_point::max() ? -1 : static_cast<int>(std::max(pause, 0L))));
    std::uint64_t wakes = 0;
    // Non-blocking: nothing to read means that something else woke us.
    [[maybe_unused]] const auto ignored = ::read(wake_.get(), &wakes, sizeof wakes);
    if (events[2].revents) hear_keeper();
    if (events[1].revents) adopt_keeper();
}

void Pool::adopt_keeper() {
    std::byte note[1];
    sys::PassedFds fds;
    const auto length = sys::receive_message(keepers_, note, fds);
    if (length < 0 && length != -EMSGSIZE) {
        // It is still there to be received.
        sys::log(sys::Level::warn, "keeper_not_adopted",
                 {{"error", sys::describe(static_cast<int>(-length))}});
        return;
    }
    if (length <= 0 || fds.count != 1) {
        keepers_.reset();  // whoever started us is gone; so is the hope for another keeper
        return;
    }
    if (keeper_) lose_keeper();
    keeper_ = fds.take(0);
    not_before_ = {};
    const std::lock_guard lock{mutex_};
    keeper_alive_ = true;
    trouble_.clear();
}

void Pool::lose_keeper() {
    sys::log(sys::Level::error, "keeper_gone",
             {{"consequence", "all runners are gone; waiting for a new keeper"}});
    keeper_.reset();
    const std::lock_guard lock{mutex_};
    keeper_alive_ = false;
    trouble_ = "the keeper has died and is being started again";
    slots_.clear();
    ready_.clear();
    returned_.clear();
}

void Pool::hear_keeper() {
    std::byte bytes[sizeof(Head) + sizeof(RunnerEnded)];
    sys::PassedFds fds;
    const auto length = sys::receive_message(keeper_, bytes, fds);
    if (length < 0 && length != -EMSGSIZE) {
        sys::log(sys::Level::warn, "keeper_not_heard",
                 {{"error", sys::describe(static_cast<int>(-length))}});
        return;
    }
    const auto size = length == -EMSGSIZE ? sizeof(Head) + sizeof(RunnerStarted)
                                          : static_cast<std::size_t>(length);
    const auto news = read_news(std::span{bytes}.first(size));
    if (!news) return lose_keeper();
    const auto* const started = std::get_if<StartedNews>(&*news);
    if (started && length == -EMSGSIZE) {
        refuse_runner(*started);
    } else if (started) {
        adopt_runner(*started, std::move(fds));
    } else {
        forget_runner(std::get<EndedNews>(*news));
    }
}

// This process has no room for its descriptors. Others may serve; this one is tried again.
void Pool::refuse_runner(const StartedNews& news) {
    sys::log(sys::Level::error, "runner_not_adopted",
             {{"runner", news.runner.index}, {"error", "too many open files"}});
    wait_before_next_start();
    order(Verb::stop_runner, news.runner.index, 0);
}

void Pool::wait_before_next_start() {
    const auto pause = std::min(longest_pause, first_pause * (1 << std::min(failures_++, 10)));
    not_before_ = Clock::now() + pause;
}

void Pool::adopt_runner(const StartedNews& news, sys::PassedFds fds) try {
    auto runner = std::make_unique<Runner>(news.serial, news.runner, std::move(fds));
    runner->give_filter(std::as_bytes(std::span{filter_.program}));
    runner->tell_spawner(Verb::close_box);
    const auto at_rest = runner->hear_spawner(inspection_patience).as<BoxClosed>();
    {
        const std::lock_guard lock{mutex_};
        const auto slot = slots_.find(news.runner.index);
        if (slot == slots_.end() || slot->second.serial != news.serial) return;
        slot->second.at_rest = at_rest;
    }
    prove(std::move(runner));
} catch (const Error& error) {
    sys::log(sys::Level::warn, "runner_not_adopted",
             {{"runner", news.runner.index}, {"error", error.what()}});
    order(Verb::stop_runner, news.runner.index, 0);
}

// Puts the runner where inspect_returned() finds it, and with it whatever its self-test left. One
// that has failed is scrapped there.
void Pool::prove(std::unique_ptr<Runner> runner) {
    const auto index = runner->index();
    const auto trouble = trouble_of(std::move(runner));
    if (trouble.empty()) {
        failures_ = 0;
        const std::lock_guard lock{mutex_};
        trouble_.clear();
        return;
    }
    sys::log(sys::Level::error, "runner_failed_self_test", {{"runner", index}, {"found", trouble}});
    const std::lock_guard lock{mutex_};
    start_later("runner " + std::to_string(index) + " failed its self-test: " + trouble);
}

std::string Pool::trouble_of(std::unique_ptr<Runner> runner) try {
    Lease lease{*this, std::move(runner)};
    return self_test_ == SelfTest::demanded ? self_test(std::move(lease)) : std::string{};
} catch (const Error& error) {
    return error.what();
}

// The next start waits, longer with every failure.
void Pool::start_later(std::string trouble) {
    wait_before_next_start();
    trouble_ = std::move(trouble);
}

void Pool::forget_runner(const EndedNews& ended) {
    const std::lock_guard lock{mutex_};
    const auto slot = slots_.find(ended.index);
    if (slot == slots_.end()) return;
    if (ended.error != 0) {
        start_later("runner " + std::to_string(ended.index) + " " + ended.reason);
        sys::log(sys::Level::error, "runner_failed",
                 {{"runner", ended.index}, {"reason", ended.reason}});
    } else if (slot->second.state != State::stopping) {
        sys::log(sys::Level::warn, "runner_died", {{"runner", ended.index}});
    }
    slots_.erase(slot);
    std::erase_if(ready_, [&](const auto& runner) { return runner->index() == ended.index; });
    std::erase_if(returned_, [&](const auto& runner) { return runner->index() == ended.index; });
}

void Pool::start_missing() {
    if (!keeper_ || Clock::now() < not_before_) return;
    for (std::uint32_t index = 0;; ++index) {
        const auto serial = next_serial_;
        {
            const std::lock_guard lock{mutex_};
            if (is_surplus(index)) return;
            if (!slots_
                     .try_emplace(index,
                                  Slot{.state = State::starting, .serial = serial, .at_rest = {}})
                     .second) {
                continue;
            }
        }
        ++next_serial_;
        if (order(Verb::start_runner, index, serial)) continue;
        // Nobody would ever answer for it.
        const std::lock_guard lock{mutex_};
        slots_.erase(index);
        return wait_before_next_start();
    }
}

// The first of which nothing has to be waited for any more.
std::unique_ptr<Runner> Pool::next_to_inspect() {
    const std::lock_guard lock{mutex_};
    const auto next = std::ranges::find_if(returned_, [](const auto& runner) {
        return !runner->leaving() || runner->broken() || !runner->is_quiet() ||
               runner->leaving()->since + inspection_patience <= Clock::now();
    });
    if (next == returned_.end()) return nullptr;
    auto runner = std::move(*next);
    returned_.erase(next);
    return runner;
}

void Pool::inspect_returned() {
    while (auto runner = next_to_inspect()) {
        const auto why = anomaly_of(*runner);
        if (runner->jobs() > 0) tell_cleaned(runner->index());
        if (!why.empty()) {
            scrap(std::move(runner), why);
            continue;
        }
        const std::lock_guard lock{mutex_};
        const auto slot = slots_.find(runner->index());
        if (slot == slots_.end() || slot->second.serial != runner->serial()) continue;
        slot->second.state = State::ready;
        ready_.push_back(std::move(runner));
        changed_.notify_one();
    }
}

void Pool::tell_cleaned(std::uint32_t index) {
    if (!cleaned_) return;
    Clock::time_point returned;
    {
        const std::lock_guard lock{mutex_};
        const auto slot = slots_.find(index);
        if (slot == slots_.end()) return;
        returned = slot->second.returned;
    }
    cleaned_(std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - returned));
}

// Why the runner must not serve another job; empty if it is as on its first day. Processes need no
// search: nothing leaves its cgroup, so whatever lives is counted there.
std::string Pool::anomaly_of(Runner& runner) try {
    if (runner.broken()) return "broken";
    if (runner.leaving() && runner.is_quiet()) return "init does not say that the stage is gone";
    runner.settle(inspection_patience);
    runner.cgroup().leave();
    runner.tell_spawner(Verb::close_box);
    const auto found = runner.hear_spawner(inspection_patience).as<BoxClosed>();
    if (found.error != 0)
        return "the box is still there: " + sys::describe(static_cast<int>(found.error));
    if (!runner.is_quiet()) return "unexpected message";
    if (runner.cgroup().processes() != resting_members + (runner.zygote ? 1 : 0))
        return "processes left";
    if (runner.jobs() >= settings_.jobs_per_runner) return old;
    const std::lock_guard lock{mutex_};
    const auto slot = slots_.find(runner.index());
    if (slot == slots_.end()) return "gone";
    if (found.next_descriptor != slot->second.at_rest.next_descriptor) return "descriptors left";
    return is_surplus(runner.index()) ? surplus : "";
} catch (const Error& error) {
    return error.what();
}

void Pool::scrap(std::unique_ptr<Runner> runner, const std::string& why) {
    const auto level = why == old || why == surplus ? sys::Level::debug : sys::Level::warn;
    sys::log(level, "runner_scrapped",
             {{"runner", runner->index()}, {"jobs", runner->jobs()}, {"why", why}});
    {
        const std::lock_guard lock{mutex_};
        const auto slot = slots_.find(runner->index());
        if (slot == slots_.end() || slot->second.serial != runner->serial()) return;
        slot->second.state = State::stopping;
    }
    order(Verb::stop_runner, runner->index(), 0);
}

// False: the keeper does not know. That does no harm to a stop, for our end of the runner's socket
// is closed as well, which ends it; and a keeper that is gone is noticed by the next poll.
bool Pool::order(Verb verb, std::uint32_t index, std::uint32_t serial) {
    const Head head{verb, serial, 0, 0};
    const RunnerNumber body{index};
    const std::span<const std::byte> pieces[] = {sys::bytes_of(head), sys::bytes_of(body)};
    return sys::send_message(keeper_, pieces) == 0;
}

}  // namespace isolate
