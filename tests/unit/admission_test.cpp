#include "engine/admission.h"

#include <doctest/doctest.h>

#include <atomic>
#include <latch>
#include <mutex>
#include <vector>

#include "isolate/sys/error.h"

using engine::Admission;
using namespace config::literals;

namespace {

// Occupies a slot until it is let go.
struct Blocker {
    std::latch running{1};
    std::latch released{1};

    void operator()() {
        running.count_down();
        released.wait();
    }
};

std::string refusal(Admission& admission, config::Bytes size) {
    try {
        admission.submit({.size = size}, [] {});
        return "accepted";
    } catch (const sys::Error& error) {
        CHECK(error.kind() == sys::Kind::busy);
        return error.what();
    }
}

}  // namespace

TEST_CASE("work runs in the order in which it came") {
    std::vector<int> order;
    std::latch done{5};
    Admission admission{{.concurrent_jobs = 1, .queued_jobs = 10, .queued_bytes = 1_MiB}};
    for (int i = 0; i < 5; ++i) {
        admission.submit({}, [&, i] {
            order.push_back(i);
            done.count_down();
        });
    }
    done.wait();
    CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("no more work runs at once than there are slots") {
    std::atomic<int> running{0};
    std::atomic<int> most{0};
    std::latch done{40};
    Admission admission{{.concurrent_jobs = 3, .queued_jobs = 100, .queued_bytes = 1_MiB}};
    for (int i = 0; i < 40; ++i) {
        admission.submit({}, [&] {
            const int now = ++running;
            for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
            }
            std::this_thread::yield();
            --running;
            done.count_down();
        });
    }
    done.wait();
    CHECK(most <= 3);
}

TEST_CASE("a full queue refuses at once and names the key that raises the limit") {
    Blocker blocker;
    Admission admission{{.concurrent_jobs = 1, .queued_jobs = 1, .queued_bytes = 1_KiB}};
    admission.submit({}, [&] { blocker(); });
    blocker.running.wait();
    SUBCASE("in jobs") {
        admission.submit({}, [] {});
        CHECK(refusal(admission, {}).find("admission.queued_jobs") != std::string::npos);
    }
    SUBCASE("in bytes") {
        CHECK(refusal(admission, 2_KiB).find("admission.queued_bytes") != std::string::npos);
    }
    blocker.released.count_down();
}

TEST_CASE("what an idle engine can start at once is never refused for its size") {
    Admission admission{{.concurrent_jobs = 1, .queued_jobs = 1, .queued_bytes = 1_KiB}};
    CHECK(refusal(admission, 1_MiB) == "accepted");
}

TEST_CASE("what work holds is released, whether it ran or was dropped when the engine ended") {
    auto held = std::make_shared<int>(1);
    {
        Blocker blocker;
        Admission admission{
            {.concurrent_jobs = 1, .queued_jobs = 5, .queued_bytes = 1_KiB, .client_share = 100}};
        admission.submit({}, [&] { blocker(); });
        blocker.running.wait();
        for (int i = 0; i < 5; ++i) admission.submit({}, [held] {});
        blocker.released.count_down();
    }
    CHECK(held.use_count() == 1);
}

TEST_CASE("one client cannot fill the queue, and another one's job is next but one") {
    const engine::Client many{.kind = engine::Client::Kind::address, .bytes = {1}};
    const engine::Client few{.kind = engine::Client::Kind::address, .bytes = {2}};
    Blocker blocker;
    std::string order;
    std::latch done{5};
    Admission admission{
        {.concurrent_jobs = 1, .queued_jobs = 6, .queued_bytes = 1_MiB, .client_share = 67}};
    const auto add = [&](const engine::Client& client, const char* name) {
        admission.submit({.client = client}, [&order, &done, name] {
            order += name;
            done.count_down();
        });
    };
    admission.submit({.client = many}, [&] { blocker(); });
    blocker.running.wait();
    for (const auto* name : {"a", "b", "c", "d"}) add(many, name);
    CHECK_THROWS_WITH_AS(add(many, "e"),
                         "4 jobs of yours are waiting already, which is 67 % of the queue "
                         "(admission.client_share, admission.queued_jobs); try again later",
                         engine::Busy);
    add(few, "x");
    CHECK(admission.status().clients == 2);
    blocker.released.count_down();
    done.wait();
    CHECK(order == "axbcd");
}

TEST_CASE("one client's bytes are a share of the queue's, but one job always has a place") {
    const engine::Client client{.kind = engine::Client::Kind::address, .bytes = {1}};
    Blocker blocker;
    Admission admission{
        {.concurrent_jobs = 1, .queued_jobs = 9, .queued_bytes = 1_KiB, .client_share = 50}};
    admission.submit({}, [&] { blocker(); });
    blocker.running.wait();
    admission.submit({.client = client, .size = config::Bytes{600}}, [] {});
    CHECK_THROWS_AS(admission.submit({.client = client, .size = config::Bytes{100}}, [] {}),
                    engine::Busy);
    admission.submit({.size = config::Bytes{100}}, [] {});
    blocker.released.count_down();
}

TEST_CASE("jobs whose clients have gone make room in a full queue") {
    Blocker blocker;
    std::stop_source gone;
    auto held = std::make_shared<int>(1);
    Admission admission{{.concurrent_jobs = 1, .queued_jobs = 2, .queued_bytes = 1_KiB}};
    admission.submit({}, [&] { blocker(); });
    blocker.running.wait();
    admission.submit({.client = {.kind = engine::Client::Kind::engine}, .gone = gone.get_token()},
                     [held] {});
    admission.submit({}, [] {});
    CHECK(refusal(admission, {}).find("admission.queued_jobs") != std::string::npos);
    gone.request_stop();
    CHECK(refusal(admission, {}) != "accepted");  // a share of its own is still full
    admission.submit({.client = {.kind = engine::Client::Kind::engine}}, [] {});
    CHECK(held.use_count() == 1);
    blocker.released.count_down();
}

TEST_CASE("who is refused is told to come back when the queue will be gone, within a minute") {
    using std::chrono::milliseconds;
    using std::chrono::seconds;
    CHECK(engine::retry_after(0, milliseconds{100}, 4) == seconds{1});
    CHECK(engine::retry_after(256, milliseconds{100}, 4) == seconds{7});
    CHECK(engine::retry_after(256, milliseconds{0}, 4) == seconds{1});
    CHECK(engine::retry_after(1'000'000, seconds{3600}, 1) == seconds{60});
}

TEST_CASE("an offer is taken while a slot is free, and never waits") {
    Blocker first;
    Blocker second;
    std::atomic<bool> third_ran{false};
    Admission admission{{.concurrent_jobs = 2, .queued_jobs = 10, .queued_bytes = 1_MiB}};
    admission.submit({}, std::ref(first));
    CHECK(admission.offer({}, std::ref(second)));
    CHECK_FALSE(admission.offer({}, [&] { third_ran = true; }));
    CHECK_FALSE(admission.is_wanted());

    std::latch done{1};
    admission.submit({}, [&] { done.count_down(); });
    first.running.wait();
    second.running.wait();
    CHECK(admission.is_wanted());
    first.released.count_down();
    done.wait();
    CHECK_FALSE(admission.is_wanted());
    second.released.count_down();
    CHECK_FALSE(third_ran);
}

TEST_CASE("an offer counts among what its client may have running") {
    const engine::Client client{.kind = engine::Client::Kind::user, .bytes = {1}};
    Blocker first;
    Admission admission{{.concurrent_jobs = 3, .queued_jobs = 10, .queued_bytes = 1_MiB}};
    admission.submit({.client = client, .most_running = 1}, std::ref(first));
    first.running.wait();
    CHECK_FALSE(admission.offer({.client = client, .most_running = 1}, [] {}));
    std::latch done{1};
    CHECK(admission.offer({.client = client, .most_running = 2}, [&] { done.count_down(); }));
    done.wait();
    first.released.count_down();
}
