#include "engine/warm.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/command.h"
#include "isolate/sys/error.h"
#include "isolate/sys/log.h"

namespace engine {

namespace {

using namespace std::chrono_literals;
using namespace config::literals;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::duration<double> memory{30};      // after which an arrival counts a third
constexpr double few = 3;                                // arrivals within that time
constexpr double hardly_ever = 0.1;                      // arrivals while one is started
constexpr auto long_ago = 10min;                         // nobody will come any more
constexpr std::size_t most_entries = 64;                 // programs that are remembered
constexpr auto patience = config::Milliseconds{20'000};  // for a program to get to its gate
constexpr auto longest_pause = std::chrono::seconds{3600};
constexpr int few_forks = 4;                     // jobs come while a zygote is started
constexpr auto until_next_gap = 50ms;            // where all processors are busy
constexpr auto until_next_runner = 10ms;         // one takes about so long to start
constexpr config::Bytes unknown_memory = 8_MiB;  // of a program whose recipe does not say

// A compiler's samples take of the time that the kernel would kill it after; the job's own limit
// begins with the job (isolate/supervise.h). A program may look at its limits: it keeps them.
isolate::ZygoteKey key_to_start(const WarmStart& start) {
    auto key = start.key;
    auto& time = key.command.limits.cpu_time;
    if (start.is_compiler && time != config::unlimited_time) time += patience;
    return key;
}

}  // namespace

std::optional<WarmStart> warm_start_of(const Job& job) {
    const auto stage = first_stage(job);
    const auto& script = script_of(job, stage);
    if (script.warm.kind == packages::Warm::Kind::none || needs_shell(job, stage) ||
        (job.terminal && stage == Stage::run))
        return std::nullopt;
    const auto main = main_file(job);
    const auto name = main.substr(main.find_last_of('/') + 1);
    if (name.empty() || name.size() > 255) return std::nullopt;
    const bool can_fork = script.warm.kind == packages::Warm::Kind::zygote;
    return WarmStart{.key = {.command = warm_command_of(job),
                             .main = name,
                             .tenant = can_fork ? job.asker.key : ""},
                     .box = box_size(job),
                     .prime = script.warm.prime,
                     .max_age = script.warm.max_age,
                     .can_fork = can_fork,
                     .is_compiler = stage == Stage::compile,
                     .memory = script.warm.memory};
}

void Demand::note(Time now) {
    rate_ = per_second(now) + 1 / memory.count();
    last_ = now;
}

double Demand::per_second(Time now) const {
    const auto since = std::chrono::duration<double>{now - last_};
    return rate_ == 0 ? 0 : rate_ * std::exp(-since / memory);
}

bool Demand::is_brisk(Time now) const {
    return per_second(now) * memory.count() >= few;
}

int Demand::wanted(Time now, Clock::duration start) const {
    if (rate_ == 0 || now - last_ > long_ago) return 0;
    const auto meanwhile = per_second(now) * std::chrono::duration<double>{start}.count();
    return 1 + static_cast<int>(std::ceil(std::max(0.0, meanwhile - hardly_ever)));
}

Warmer::Warmer(isolate::Pool& pool, const config::Warm& settings)
    : pool_(pool),
      settings_(settings),
      load_(static_cast<int>(std::max(1U, std::thread::hardware_concurrency()))) {
    if (settings_.is_on()) tender_ = std::jthread{[this](std::stop_token stop) { tend(stop); }};
}

Warmer::~Warmer() = default;

Warmer::Running::Running(Warmer& warmer) : warmer_(warmer) {
    const std::lock_guard lock{warmer_.mutex_};
    warmer_.load_.job_began(Clock::now());
}

// Wakes the tender only for something to do: on a busy machine each waking is a job's time.
Warmer::Running::~Running() {
    {
        const std::lock_guard lock{warmer_.mutex_};
        const auto now = Clock::now();
        warmer_.load_.job_ended(now);
        if (!warmer_.waits_for_a_gap_ || warmer_.load_.is_full(now)) return;
        warmer_.news_ = true;
    }
    warmer_.changed_.notify_one();
}

bool Warmer::may_help(packages::Warm::Kind kind) const {
    if (kind == packages::Warm::Kind::none) return false;
    const std::lock_guard lock{mutex_};
    return (kind == packages::Warm::Kind::zygote && settings_.zygote) ||
           !load_.is_full(Clock::now()) || count() > 0;
}

std::unique_ptr<isolate::Parked> Warmer::take(const WarmStart& start) {
    if (!settings_.is_on()) return nullptr;
    std::unique_ptr<isolate::Parked> found;
    {
        const std::lock_guard lock{mutex_};
        const auto now = Clock::now();
        auto& entry = find_or_add(start);
        entry.demand.note(now);
        if (!entry.ready.empty()) {
            // The oldest: it is the next to be thrown away.
            found = std::move(entry.ready.front().parked);
            entry.ready.erase(entry.ready.begin());
        }
        // Of a gap the tender is told, once it knows that there is something to wait for.
        if (load_.is_full(now) && std::exchange(waits_for_a_gap_, true)) return found;
        news_ = true;
    }
    changed_.notify_one();
    return found;
}

int Warmer::parked() const {
    const std::lock_guard lock{mutex_};
    return count();
}

std::chrono::microseconds Warmer::cpu_time() const {
    const std::lock_guard lock{mutex_};
    return cpu_time_;
}

int Warmer::count() const {
    int count = 0;
    for (const auto& entry : entries_) count += static_cast<int>(entry.ready.size());
    return count;
}

Warmer::Entry* Warmer::find(const WarmStart& start) {
    const auto found =
        std::ranges::find_if(entries_, [&](const auto& entry) { return entry.start == start; });
    return found == entries_.end() ? nullptr : &*found;
}

// Forgets the one that nobody has asked for the longest time, if there are too many.
Warmer::Entry& Warmer::find_or_add(const WarmStart& start) {
    if (auto* const known = find(start)) return *known;
    if (entries_.size() >= most_entries) {
        const auto oldest = std::ranges::min_element(entries_, {}, [](const auto& entry) {
            return std::pair{!entry.ready.empty(), entry.demand.last()};
        });
        if (oldest->ready.empty()) entries_.erase(oldest);
    }
    return entries_.emplace_back(
        Entry{.start = start, .demand = {}, .ready = {}, .costs = costs_of_another(start)});
}

// What the same program takes to start under another name of its file or with other limits; nobody
// would give up anything for one of which nothing is known.
StartCosts Warmer::costs_of_another(const WarmStart& start) const {
    const auto& argv = start.key.command.argv;
    const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
        return entry.start.key.command.argv.front() == argv.front() &&
               entry.start.prime == start.prime && entry.start.memory == start.memory;
    });
    return found == entries_.end() ? StartCosts{} : found->costs;
}

// ---- the tender's thread ------------------------------------------------------------------------

void Warmer::tend(std::stop_token stop) {
    std::unique_lock lock{mutex_};
    while (!stop.stop_requested()) {
        const auto now = Clock::now();
        auto leaving = take_stale(now);
        const auto wanted = next_to_start(now, leaving);
        const int parked = count();
        if (wanted) beside_ = std::max(beside_, parked + 1);
        if (!is_anything_wanted(now)) beside_ = 0;
        const int beside = beside_;
        news_ = false;
        lock.unlock();
        leaving.clear();  // kills them
        pool_.end_old_zygotes();
        pool_.keep_beside(beside);
        // Jobs have need of the others.
        const bool has_runner = wanted && pool_.has_beside(parked);
        if (has_runner) start_one(*wanted, stop);
        lock.lock();
        if (!has_runner)
            changed_.wait_for(lock, stop, pause(wanted.has_value()), [this] { return news_; });
    }
    entries_.clear();
}

// How long nothing can have changed but by what is told. Nothing else makes one stale but time.
Clock::duration Warmer::pause(bool waits_for_runner) const {
    if (waits_for_runner) return until_next_runner;
    return waits_for_a_gap_ ? Clock::duration{until_next_gap} : shortest_age() / 4;
}

bool Warmer::is_anything_wanted(Clock::time_point now) const {
    return std::ranges::any_of(entries_, [&](const auto& entry) {
        return !entry.ready.empty() || entry.demand.wanted(now, entry.takes) > 0;
    });
}

config::Milliseconds Warmer::age_of(const WarmStart& start) const {
    const config::Milliseconds own = start.max_age;
    return own.count() > 0 ? std::min(settings_.age, own) : settings_.age;
}

config::Milliseconds Warmer::shortest_age() const {
    auto shortest = settings_.age;
    for (const auto& entry : entries_) shortest = std::min(shortest, age_of(entry.start));
    return shortest;
}

// Those that are too old, have died, or that nobody wants any more.
std::vector<Warmer::Ready> Warmer::take_stale(Clock::time_point now) {
    std::vector<Ready> stale;
    for (auto& entry : entries_) {
        const auto wanted = static_cast<std::size_t>(entry.demand.wanted(now, entry.takes));
        const auto end =
            std::stable_partition(entry.ready.begin(), entry.ready.end(), [&](const auto& ready) {
                return now - ready.since < age_of(entry.start) && ready.parked->stands();
            });
        const auto kept = std::min(wanted, static_cast<std::size_t>(end - entry.ready.begin()));
        const auto first = entry.ready.begin() + static_cast<std::ptrdiff_t>(kept);
        std::move(first, entry.ready.end(), std::back_inserter(stale));
        entry.ready.erase(first, entry.ready.end());
    }
    return stale;
}

// Those of which there are too few: first those of which there is none, and what is worth most.
std::vector<Warmer::Entry*> Warmer::missing(Clock::time_point now) {
    std::vector<Entry*> found;
    for (auto& entry : entries_) {
        const auto has = static_cast<int>(entry.ready.size());
        if (now >= entry.not_before && has < entry.demand.wanted(now, entry.takes))
            found.push_back(&entry);
    }
    std::ranges::sort(found, std::greater{}, [&](const Entry* entry) {
        return std::pair{entry->ready.empty(), held(*entry, now).worth};
    });
    return found;
}

// Where it needs the room of others they leave.
std::optional<WarmStart> Warmer::next_to_start(Clock::time_point now, std::vector<Ready>& leaving) {
    const auto candidates = missing(now);
    waits_for_a_gap_ = !candidates.empty() && load_.is_full(now);
    if (waits_for_a_gap_) return std::nullopt;
    for (const auto* const entry : candidates)
        if (make_room_for(*entry, now, leaving)) return entry->start;
    return std::nullopt;
}

Held Warmer::held(const Entry& entry, Clock::time_point now) const {
    const auto memory = entry.start.memory.count > 0 ? entry.start.memory : unknown_memory;
    return {.ready = static_cast<int>(entry.ready.size()),
            .memory = memory,
            .worth = worth_of(entry.demand.per_second(now), entry.costs.of_start(), memory)};
}

bool Warmer::make_room_for(const Entry& entry, Clock::time_point now, std::vector<Ready>& freed) {
    std::vector<Held> all;
    Room room{.places = settings_.parked - count(), .memory = settings_.memory};
    for (const auto& other : entries_) {
        all.push_back(held(other, now));
        const auto taken = all.back().memory.count * static_cast<std::uint64_t>(all.back().ready);
        room.memory.count -= std::min(taken, room.memory.count);
    }
    const auto leaving = make_room(all, held(entry, now), room);
    if (!leaving) return false;
    auto number = leaving->begin();
    for (auto& other : entries_) {
        const auto end = other.ready.begin() + *number++;
        std::move(other.ready.begin(), end, std::back_inserter(freed));
        other.ready.erase(other.ready.begin(), end);
    }
    return true;
}

void Warmer::start_one(const WarmStart& start, std::stop_token stop) {
    auto began = Clock::now();
    Ready ready;
    std::string trouble;
    try {
        const bool forked = is_worth_forking(start);
        if (forked && is_zygote_nearly_used_up(start)) {
            with_zygote(pool_.lease(stop), start);
            began = Clock::now();
        }
        auto parked = park(start, forked, stop);
        ready = {.parked = std::move(parked), .since = Clock::now()};
    } catch (const sys::Error& error) {
        if (error.kind() == sys::Kind::busy) return;  // the engine stops
        trouble = error.what();
    }
    const std::lock_guard lock{mutex_};
    auto* const entry = find(start);
    if (!entry) return;
    if (ready.parked) {
        entry->takes = Clock::now() - began;
        entry->pause = std::chrono::seconds{10};
        entry->ready.push_back(std::move(ready));
        return;
    }
    sys::log(sys::Level::warn, "not_parked",
             {{"program", start.key.command.argv.front()}, {"error", trouble}});
    give_pause(*entry);
}

// Those of one program are used in turns and so used up together; the job that then had to start
// the next one would wait for longer than a cold start takes.
bool Warmer::is_zygote_nearly_used_up(const WarmStart& start) const {
    const int left = pool_.forks_left(start.key);
    return left > 0 && left <= few_forks;
}

// The lease, of a runner that has a zygote for it: in a box of which nobody else has anything.
isolate::Lease Warmer::with_zygote(isolate::Lease lease, const WarmStart& start) {
    if (lease.runner().zygote) return lease;
    auto& cgroup = lease.runner().cgroup();
    const auto before = cgroup.cpu_time_of_all();
    isolate::Box box{std::move(lease), start.box};
    box.start_zygote(start.key, age_of(start), patience);
    note_cost(start, How::started, cgroup.cpu_time_of_all() - before);
    return box.close();
}

std::unique_ptr<isolate::Parked> Warmer::park(const WarmStart& start, bool forked,
                                              std::stop_token stop) {
    auto lease = forked ? with_zygote(pool_.lease(stop, &start.key), start) : pool_.lease(stop);
    auto& cgroup = lease.runner().cgroup();
    const auto before = cgroup.cpu_time_of_all();
    isolate::Box box{std::move(lease), start.box};
    if (!start.prime.empty()) box.place_script(prime_name, start.prime);
    auto parked = std::make_unique<isolate::Parked>(std::move(box), key_to_start(start),
                                                    age_of(start), patience, std::move(stop));
    note_cost(start, parked->is_fork() ? How::forked : How::started,
              cgroup.cpu_time_of_all() - before);
    return parked;
}

void Warmer::note_cost(const WarmStart& start, How how, std::chrono::microseconds cost) {
    const std::lock_guard lock{mutex_};
    cpu_time_ += cost;
    auto* const entry = find(start);
    if (!entry) return;
    if (how == How::started)
        entry->costs.note_start(cost);
    else
        entry->costs.note_fork(Clock::now(), cost);
}

std::unique_ptr<isolate::Parked> Warmer::fork(const WarmStart& start, std::stop_token stop) {
    if (!is_worth_forking(start)) return nullptr;
    try {
        return park(start, true, std::move(stop));
    } catch (const sys::Error& error) {
        if (error.kind() == sys::Kind::broken) {
            const std::lock_guard lock{mutex_};
            if (auto* const entry = find(start)) give_pause(*entry);
        }
        throw;
    }
}

bool Warmer::is_worth_forking(const WarmStart& start) {
    if (!settings_.zygote || !settings_.is_on() || !start.can_fork || !start.prime.empty())
        return false;
    const auto now = Clock::now();
    const std::lock_guard lock{mutex_};
    const auto* const entry = find(start);
    return entry && now >= entry->not_before && entry->demand.is_brisk(now) &&
           entry->costs.fork_pays(now);
}

// Something about the program is not as its recipe says: longer with every time.
void Warmer::give_pause(Entry& entry) {
    entry.not_before = Clock::now() + entry.pause;
    entry.pause = std::min(entry.pause * 2, longest_pause);
}

}  // namespace engine
