#include "engine/warm_policy.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace engine {

namespace {

using namespace std::chrono_literals;
using namespace config::literals;

constexpr std::chrono::duration<double> moments{0.5};
// Of the processors: what jobs must leave for something else to be worth starting.
constexpr double left_over = 0.5;

constexpr StartCosts::Cost usual_start = 20ms;
constexpr auto memory_of_forks = 10s;

StartCosts::Cost average_of(std::optional<StartCosts::Cost> before, StartCosts::Cost now) {
    return before ? (*before * 3 + now) / 4 : now;
}

// What is more than one of its kind goes first, then what is worth least.
std::tuple<bool, bool, double> turn_of(const Held& held) {
    return {held.ready == 0, held.ready == 1, held.worth};
}

}  // namespace

double Load::average(Time now) const {
    const auto since = std::chrono::duration<double>{now - last_};
    return running_ + (average_ - running_) * std::exp(-since / moments);
}

bool Load::is_full(Time now) const {
    return running_ >= processors_ || average(now) > processors_ - left_over;
}

void Load::change(Time now, int by) {
    average_ = average(now);
    last_ = now;
    running_ += by;
}

void StartCosts::note_start(Cost cost) {
    start_ = average_of(start_, cost);
}

void StartCosts::note_fork(Time now, Cost cost) {
    fork_ = average_of(is_old(now) ? std::nullopt : fork_, cost);
    forked_ = now;
}

StartCosts::Cost StartCosts::of_start() const {
    return start_.value_or(usual_start);
}

bool StartCosts::is_old(Time now) const {
    return now - forked_ > memory_of_forks;
}

bool StartCosts::fork_pays(Time now) const {
    return !start_ || !fork_ || is_old(now) || *fork_ * 3 / 2 < *start_;
}

double worth_of(double asked_per_second, std::chrono::microseconds saved, config::Bytes memory) {
    const auto megabytes = static_cast<double>(std::max(memory.count, (1_MiB).count / 4)) /
                           static_cast<double>((1_MiB).count);
    return asked_per_second * std::chrono::duration<double>{saved}.count() / megabytes;
}

std::optional<std::vector<int>> make_room(std::vector<Held> held, const Held& wanted, Room room) {
    std::vector<int> leaving(held.size(), 0);
    while (room.places < 1 || room.memory < wanted.memory) {
        const auto least = std::ranges::min_element(held, {}, turn_of);
        if (wanted.ready > 0 || least == held.end() || least->ready == 0) return std::nullopt;
        if (least->ready == 1 && least->worth > wanted.worth / 2) return std::nullopt;
        --least->ready;
        ++leaving[static_cast<std::size_t>(least - held.begin())];
        ++room.places;
        room.memory.count += least->memory.count;
    }
    return leaving;
}

}  // namespace engine
