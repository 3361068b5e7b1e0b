// What the honest clients of an engine notice of an attack that runs beside them: right answers,
// and not much later than without it. Compared with the same jobs on the same engine just before,
// so that a slow machine is slow in both.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/census.h"
#include "tests/support/control.h"
#include "tests/support/engine_process.h"
#include "tests/support/pace.h"

using support::EngineProcess;
using support::Json;

namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

constexpr int samples = 5;  // of a turn
constexpr int all_turns = 7;
constexpr int least_processes = 10;  // of an attack: the program itself has two
constexpr double allowed = 3;        // times the latency beside an honest neighbour
const std::string honest = "int main(void) { for (;;) continue; }";

const EngineProcess& engine() {
    static const EngineProcess shared{{"pool.runners=2", "admission.concurrent_jobs=2"}};
    return shared;
}

// Keeps one of the two runners busy with one program, over and over, until told to end.
class Neighbour {
public:
    Neighbour(std::string language, std::string code)
        : thread_{[this, language = std::move(language), code = std::move(code)] {
              while (!ends_) {
                  const auto answer = engine().run(language, code, {{"run_timeout", 1000}});
                  well_ended_ += answer["run"]["status"] == "TO";
                  ++ended_;
              }
          }} {}
    Neighbour(const Neighbour&) = delete;
    Neighbour& operator=(const Neighbour&) = delete;
    ~Neighbour() { stop(); }

    void stop() {
        ends_ = true;
        if (thread_.joinable()) thread_.join();
    }

    // Of the jobs that have ended: each was ended by its time, so it ran all the while.
    bool ran() const { return ended_ > 0 && well_ended_ == ended_; }

private:
    std::atomic<bool> ends_{false};
    std::atomic<int> ended_{0}, well_ended_{0};
    std::thread thread_;
};

// Processes of the program that gcc makes of main.c.
std::ptrdiff_t processes() {
    return std::ssize(engine().pids_of("a.out"));
}

bool grows_to(std::ptrdiff_t count) {
    const auto give_up = Clock::now() + std::chrono::seconds{60};
    while (processes() < count)
        if (Clock::now() > give_up) return false;
    return true;
}

double median_of(std::vector<double> values) {
    const auto middle = values.begin() + std::ssize(values) / 2;
    std::ranges::nth_element(values, middle);
    return *middle;
}

// The median of honest jobs that began while the neighbour had at least so many processes.
double median_beside(std::ptrdiff_t count) {
    std::vector<double> took;
    for (int number = 0; number < samples && grows_to(count); ++number) {
        const auto nonce = "nonce-" + std::to_string(number);
        const auto start = Clock::now();
        const auto answer = engine().run("python", "print('" + nonce + "'[::-1])");
        took.push_back(Milliseconds{Clock::now() - start}.count());
        CHECK(answer["run"]["stdout"] == std::string{nonce.rbegin(), nonce.rend()} + "\n");
        CHECK(answer["run"]["status"].is_null());
    }
    REQUIRE(std::ssize(took) == samples);
    return median_of(took);
}

double median_beside(std::ptrdiff_t count, const std::string& code) {
    Neighbour neighbour{"c", code};
    const auto median = median_beside(count);
    neighbour.stop();
    CHECK(neighbour.ran());
    return median;
}

}  // namespace

TEST_CASE("honest jobs beside a storm of processes are right, and not much later than before") {
    struct Row {
        std::string name, program;
        std::ptrdiff_t processes;
    };
    const Row rows[] = {
        {"O01 a fork bomb", "o01_fork_bomb.c", least_processes},
        {"O02 fifty loops of short programs", "o02_exec_storm.c", least_processes},
    };
    engine().run("c", "int main(void) { return 0; }");
    const auto host = support::settled_census(engine(), 2);
    for (const auto& row : rows) {
        CAPTURE(row.name);
        std::vector<double> ratios;
        const int turns = std::max(1, all_turns / static_cast<int>(support::every()));
        for (int turn = 0; turn < turns; ++turn) {
            const auto before = median_beside(1, honest);
            const auto code = support::hostile_program(row.program);
            ratios.push_back(median_beside(row.processes, code) / before);
        }
        CHECK(median_of(ratios) <= allowed);
        MESSAGE(row.name << ": " << median_of(ratios) << " times as long as before, "
                         << std::ranges::min(ratios) << " ... " << std::ranges::max(ratios));
    }
    CHECK(support::changes_since(host, engine()) == "");
}
