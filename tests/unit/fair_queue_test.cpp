#include "engine/fair_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>

using engine::Client;
using Queue = engine::FairQueue<std::string>;

namespace {

Client client(std::uint8_t number) {
    return {.kind = Client::Kind::address, .bytes = {number}};
}

// Everything that has its turn, in order; each ends before the next is taken.
std::string drain(Queue& queue) {
    std::string order;
    while (auto next = queue.take()) {
        order += next->second;
        queue.ended(next->first);
    }
    return order;
}

}  // namespace

TEST_CASE("one client's items come in their order, several clients take turns") {
    Queue queue;
    for (const std::string item : {"a", "b", "c", "d"}) queue.push(client(1), 1, 0, item);
    CHECK(drain(queue) == "abcd");
    for (const std::string item : {"a", "b", "c"}) queue.push(client(1), 1, 0, item);
    for (const std::string item : {"x", "y"}) queue.push(client(2), 1, 0, item);
    queue.push(client(3), 1, 0, "1");
    CHECK(drain(queue) == "ax1byc");
    CHECK(queue.clients() == 0);
}

TEST_CASE("whoever comes to a thousand jobs of another waits for one of them") {
    Queue queue;
    for (int i = 0; i < 1000; ++i) queue.push(client(1), 1, 0, "flood");
    for (int i = 0; i < 7; ++i) queue.ended(queue.take()->first);
    queue.push(client(2), 1, 0, "first");
    CHECK(queue.take()->second == "flood");
    CHECK(queue.take()->second == "first");
}

TEST_CASE("a client that has as many running as it may is passed over until one ends") {
    Queue queue;
    for (const std::string item : {"a", "b", "c"}) queue.push(client(1), 1, 2, item);
    queue.push(client(2), 1, 0, "x");
    std::string order;
    while (auto next = queue.take()) order += next->second;
    CHECK(order == "axb");
    CHECK_FALSE(queue.has_turn());
    queue.ended(client(2));
    CHECK_FALSE(queue.has_turn());
    queue.ended(client(1));
    CHECK(queue.take()->second == "c");
    SUBCASE("more may run at once by its next item") {
        queue.push(client(1), 1, 2, "d");
        CHECK_FALSE(queue.has_turn());
        queue.push(client(1), 1, 4, "e");
        CHECK(queue.take()->second == "d");
        CHECK(queue.take()->second == "e");
    }
}

TEST_CASE("what nobody waits for any more is given back, and its share with it") {
    Queue queue;
    for (const std::string item : {"dead", "alive", "dead"}) queue.push(client(1), 10, 0, item);
    queue.push(client(2), 5, 0, "dead");
    const auto dead = queue.take_if([](const std::string& item) { return item == "dead"; });
    CHECK(dead.size() == 3);
    CHECK(queue.all().items == 1);
    CHECK(queue.all().bytes == 10);
    CHECK(queue.of(client(1)).items == 1);
    CHECK(queue.clients() == 1);
    CHECK(drain(queue) == "alive");
}

TEST_CASE("whatever is done to it, a queue loses nothing and passes nobody over") {
    std::mt19937 random{7};
    const auto below = [&](unsigned end) { return random() % end; };
    Queue queue;
    std::vector<Client> running;
    std::size_t waiting = 0;
    for (int round = 0; round < 20'000; ++round) {
        switch (below(4)) {
            case 0:
            case 1:
                queue.push(client(static_cast<std::uint8_t>(below(6))), below(100),
                           static_cast<int>(below(3)), below(9) == 0 ? "dead" : "alive");
                ++waiting;
                break;
            case 2:
                if (auto next = queue.take()) {
                    running.push_back(next->first);
                    --waiting;
                }
                break;
            default:
                if (below(10) == 0)
                    waiting -= queue.take_if([](const std::string& item) { return item == "dead"; })
                                   .size();
                if (running.empty()) break;
                std::swap(running[below(static_cast<unsigned>(running.size()))], running.back());
                queue.ended(running.back());
                running.pop_back();
        }
        REQUIRE(queue.all().items == waiting);
        // With nothing running, nobody is full: what waits has its turn.
        if (running.empty()) REQUIRE(queue.has_turn() == (waiting > 0));
    }
    for (const auto& other : running) queue.ended(other);
    CHECK(drain(queue).size() >= waiting * 4);
    CHECK(queue.all().items == 0);
    CHECK(queue.all().bytes == 0);
    CHECK(queue.clients() == 0);
}
