#include "engine/warm_policy.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using engine::Held;
using engine::Load;
using engine::make_room;
using engine::Room;
using engine::StartCosts;
using engine::worth_of;
using namespace std::chrono_literals;
using namespace config::literals;

namespace {

const Load::Time start_of_time{1h};

// So many clients each send the next job when the last is answered, which takes `job`, and the
// answer `between`: for so long. Returns when it is over, with all answered.
Load::Time keep_busy(Load& load, Load::Time now, int clients, std::chrono::milliseconds job,
                     std::chrono::milliseconds between, std::chrono::milliseconds how_long) {
    const auto end = now + how_long;
    while (now < end) {
        for (int client = 0; client < clients; ++client) load.job_began(now);
        now += job;
        for (int client = 0; client < clients; ++client) load.job_ended(now);
        now += between;
    }
    return now;
}

}  // namespace

TEST_CASE("a machine without jobs has room, and one with as many jobs as processors has none") {
    Load load{2};
    CHECK(!load.is_full(start_of_time));
    load.job_began(start_of_time);
    CHECK(!load.is_full(start_of_time));
    load.job_began(start_of_time);
    CHECK(load.is_full(start_of_time));
    load.job_ended(start_of_time);
    CHECK(!load.is_full(start_of_time));
}

TEST_CASE("the gap between two jobs of busy clients is no idleness, but a rest is") {
    Load load{2};
    const auto end = keep_busy(load, start_of_time, 4, 9ms, 1ms, 3s);
    CHECK(load.average(end) == doctest::Approx(3.6).epsilon(0.1));
    CHECK(load.is_full(end));
    CHECK(load.is_full(end + 200ms));
    CHECK(!load.is_full(end + 1s));
}

TEST_CASE("one busy client leaves the second of two processors idle, and none of one") {
    Load two{2}, one{1};
    CHECK(!two.is_full(keep_busy(two, start_of_time, 1, 9ms, 1ms, 3s)));
    CHECK(one.is_full(keep_busy(one, start_of_time, 1, 9ms, 1ms, 3s)));
}

TEST_CASE("a client that comes now and then leaves even one processor idle") {
    Load load{1};
    CHECK(!load.is_full(keep_busy(load, start_of_time, 1, 10ms, 50ms, 3s)));
}

TEST_CASE("jobs are forks where that costs much less than a start, and until that is known") {
    StartCosts costs;
    CHECK(costs.fork_pays(start_of_time));
    CHECK(costs.of_start() > 0us);
    costs.note_start(15ms);
    CHECK(costs.fork_pays(start_of_time));
    CHECK(costs.of_start() == 15ms);
    costs.note_fork(start_of_time, 3ms);
    CHECK(costs.fork_pays(start_of_time));
    StartCosts small;
    small.note_fork(start_of_time, 2ms);
    small.note_start(2900us);
    CHECK(!small.fork_pays(start_of_time));
}

TEST_CASE("that a fork was dear once is forgotten after a while") {
    StartCosts costs;
    costs.note_start(3ms);
    costs.note_fork(start_of_time, 9ms);
    CHECK(!costs.fork_pays(start_of_time + 5s));
    CHECK(costs.fork_pays(start_of_time + 20s));
    costs.note_fork(start_of_time + 20s, 1ms);
    CHECK(costs.fork_pays(start_of_time + 21s));
    costs.note_fork(start_of_time + 21s, 9ms);
    CHECK(!costs.fork_pays(start_of_time + 22s));
}

TEST_CASE("one slow start does not decide what a start costs") {
    StartCosts costs;
    for (int i = 0; i < 10; ++i) costs.note_start(3ms);
    costs.note_start(11ms);
    CHECK(costs.of_start() == 5ms);
    for (int i = 0; i < 30; ++i) costs.note_start(3ms);
    CHECK(costs.of_start() < 3100us);
}

TEST_CASE("what is asked for often, slow to start and small is worth most") {
    const auto usual = worth_of(1, 20ms, 4_MiB);
    CHECK(worth_of(2, 20ms, 4_MiB) == doctest::Approx(2 * usual));
    CHECK(worth_of(1, 40ms, 4_MiB) == doctest::Approx(2 * usual));
    CHECK(worth_of(1, 20ms, 2_MiB) == doctest::Approx(2 * usual));
    CHECK(worth_of(0, 20ms, 4_MiB) == 0);
    CHECK(worth_of(1, 20ms, 0_B) < 1'000);
}

TEST_CASE("room is made by what is worth least, and never for what is worth little more") {
    using Leaving = std::optional<std::vector<int>>;
    struct Row {
        std::string name;
        std::vector<Held> held;
        Held wanted;
        Room room;
        Leaving expected;
    };
    const Held python{.ready = 0, .memory = 3_MiB, .worth = 10};
    const std::vector<Row> rows{
        {"room enough", {{1, 6_MiB, 1}}, python, {1, 3_MiB}, Leaving{{0}}},
        {"no place, and the other is worth much less", {{1, 6_MiB, 1}}, python, {0, 9_MiB}, {{1}}},
        {"no place, and the other is worth as much", {{1, 6_MiB, 9}}, python, {0, 9_MiB}, {}},
        {"no memory, and the other is worth much less", {{1, 6_MiB, 1}}, python, {1, 0_B}, {{1}}},
        {"a second one has to go whatever it is worth", {{2, 6_MiB, 90}}, python, {0, 0_B}, {{1}}},
        {"of two the lesser", {{1, 6_MiB, 2}, {1, 6_MiB, 1}}, python, {0, 0_B}, {{0, 1}}},
        {"a second one before the lesser",
         {{1, 6_MiB, 1}, {2, 6_MiB, 9}},
         python,
         {0, 0_B},
         {{0, 1}}},
        {"several small ones for a large one",
         {{1, 3_MiB, 1}, {1, 3_MiB, 2}, {1, 3_MiB, 3}},
         {0, 5_MiB, 10},
         {0, 0_B},
         {{1, 1, 0}}},
        {"as many as may go are not enough",
         {{1, 3_MiB, 1}, {1, 60_MiB, 9}},
         {0, 5_MiB, 10},
         {1, 0_B},
         {}},
        {"larger than all there is", {{1, 3_MiB, 1}}, {0, 60_MiB, 10}, {3, 9_MiB}, {}},
        {"nothing goes for a second one", {{1, 3_MiB, 1}}, {1, 3_MiB, 10}, {0, 0_B}, {}},
        {"where nothing stands nothing can go", {{0, 3_MiB, 0}}, python, {0, 0_B}, {}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(make_room(row.held, row.wanted, row.room) == row.expected);
    }
}
