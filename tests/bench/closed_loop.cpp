#include "tests/bench/closed_loop.h"

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>

#include "isolate/sys/error.h"

namespace bench {
namespace {

using Clock = std::chrono::steady_clock;

// A server that refuses at once must not turn the generator into a busy loop.
constexpr std::chrono::milliseconds breath_after_error{20};

struct Client {
    Job job;
    const Expectation& expectation;
    std::atomic<long>& attempts;
    Tally tally;

    double attempt() {
        ++attempts;
        Answer answer;
        try {
            answer = job();
        } catch (const sys::Error& error) {
            answer.trouble = error.what();
        }
        const auto trouble = complaint(answer, expectation);
        if (trouble.empty()) return std::chrono::duration<double, std::milli>(answer.took).count();
        if (tally.errors++ == 0) tally.first_error = trouble;
        std::this_thread::sleep_for(breath_after_error);
        return -1;
    }

    void run(const Pace& pace, Clock::time_point start) {
        for (;;) {
            const auto elapsed = Clock::now() - start;
            if (elapsed >= pace.longest) return;
            if (elapsed >= pace.span && attempts >= pace.least_jobs) return;
            if (pace.pause.count() > 0) std::this_thread::sleep_for(pace.pause);
            if (const double took = attempt(); took >= 0) tally.milliseconds.push_back(took);
        }
    }
};

Tally add_up(const std::vector<Client>& clients) {
    Tally sum;
    for (const auto& client : clients) {
        const auto& part = client.tally;
        sum.milliseconds.insert(sum.milliseconds.end(), part.milliseconds.begin(),
                                part.milliseconds.end());
        sum.errors += part.errors;
        if (sum.first_error.empty()) sum.first_error = part.first_error;
    }
    return sum;
}

}  // namespace

Tally closed_loop(const Pace& pace, const Expectation& expectation,
                  const std::function<Job()>& make_client) {
    std::atomic<long> attempts{0};
    std::vector<Client> clients;
    clients.reserve(static_cast<std::size_t>(pace.clients));
    for (int i = 0; i < pace.clients; ++i)
        clients.push_back({make_client(), expectation, attempts, {}});

    std::latch ready{pace.clients};
    std::latch start_line{1};
    Clock::time_point start;
    std::vector<std::jthread> threads;
    threads.reserve(clients.size());
    for (auto& client : clients) {
        threads.emplace_back([&] {
            client.attempt();
            ready.count_down();
            start_line.wait();
            client.run(pace, start);
        });
    }
    ready.wait();
    attempts = 0;
    start = Clock::now();
    start_line.count_down();
    threads.clear();

    auto tally = add_up(clients);
    tally.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return tally;
}

}  // namespace bench
