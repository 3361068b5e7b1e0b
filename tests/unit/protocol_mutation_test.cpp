#include <doctest/doctest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "isolate/messages.h"
#include "tests/support/init_feed.h"

namespace {

using isolate::Head;
using isolate::Verb;
using Bytes = std::vector<std::byte>;
using Random = std::mt19937;

constexpr int rounds = 10'000;

template <typename... Parts>
Bytes message_of(const Parts&... parts) {
    Bytes bytes;
    const auto append = [&bytes](std::span<const std::byte> part) {
        bytes.insert(bytes.end(), part.begin(), part.end());
    };
    (append(sys::bytes_of(parts)), ...);
    return bytes;
}

std::size_t below(Random& random, std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

// One to three bits or bytes changed, sometimes cut or made longer.
Bytes damaged(Bytes bytes, Random& random) {
    for (auto count = below(random, 4); count > 0; --count) {
        auto& byte = bytes[below(random, bytes.size())];
        byte = below(random, 2) ? byte ^ std::byte(1U << below(random, 8))
                                : std::byte(below(random, 256));
    }
    if (below(random, 8) == 0) bytes.resize(below(random, bytes.size() + 1));
    if (below(random, 8) == 0) bytes.resize(bytes.size() + below(random, 80));
    return bytes;
}

// A stage with two arguments, one variable and one layer.
Bytes spawn_message(std::uint32_t in_memfd) {
    const std::string strings{"/bin/sh\0-c\0A=1\0toy-1.2.3\0", 25};
    const isolate::SpawnStage stage{.uid = 2000,
                                    .argument_count = 2,
                                    .environment_count = 1,
                                    .layer_count = 1,
                                    .deadline_ms = 1000,
                                    .terminal = 0,
                                    .open_files = 64,
                                    .file_bytes = 1,
                                    .cpu_seconds = 1,
                                    .stack_bytes = 1};
    auto bytes = message_of(
        Head{Verb::spawn_stage, 7, static_cast<std::uint32_t>(strings.size()), in_memfd}, stage);
    const auto text = std::as_bytes(std::span{strings});
    bytes.insert(bytes.end(), text.begin(), text.end());
    return bytes;
}

}  // namespace

TEST_CASE("daemon and keeper read one another's messages as they were meant") {
    using isolate::read_news;
    using isolate::read_order;
    const auto order = read_order(message_of(Head{Verb::start_runner, 3, 0, 0}, 5U));
    REQUIRE(order);
    CHECK(*order == isolate::KeeperOrder{Verb::start_runner, 3, 5});

    isolate::RunnerEnded ended{.index = 2, .error = 5, .reason = {}};
    std::memset(ended.reason, 'x', sizeof ended.reason);  // not terminated
    const auto news = read_news(message_of(Head{Verb::runner_ended, 0, 0, 0}, ended));
    REQUIRE(news);
    CHECK(std::get<isolate::EndedNews>(*news).reason == std::string(sizeof ended.reason, 'x'));
}

TEST_CASE("what daemon and keeper cannot have meant is nothing") {
    using isolate::read_news;
    using isolate::read_order;
    const isolate::RunnerStarted started{1, 1'000'000, isolate::CgroupVersion::v1, 0};
    auto strange = started;
    strange.cgroup_version = static_cast<isolate::CgroupVersion>(3);
    auto far = started;
    far.index = isolate::max_runners;
    struct Row {
        std::string name;
        Bytes message;
    };
    const Row rows[] = {
        {"empty", {}},
        {"a head alone", message_of(Head{Verb::start_runner, 0, 0, 0})},
        {"an unknown verb", message_of(Head{Verb::signal_stage, 0, 0, 0}, 5U)},
        {"a verb of the other direction", message_of(Head{Verb::runner_ended, 0, 0, 0}, 5U)},
        {"a number too large", message_of(Head{Verb::start_runner, 0, 0, 0}, isolate::max_runners)},
        {"a byte too much", message_of(Head{Verb::start_runner, 0, 0, 0}, 5U, 'x')},
        {"a payload", message_of(Head{Verb::start_runner, 0, 4, 0}, 5U)},
        {"a payload elsewhere", message_of(Head{Verb::start_runner, 0, 0, 1}, 5U)},
        {"a third version of cgroups", message_of(Head{Verb::runner_started, 0, 0, 0}, strange)},
        {"a runner nobody has", message_of(Head{Verb::runner_started, 0, 0, 0}, far)},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK_FALSE(read_order(row.message));
        CHECK_FALSE(read_news(row.message));
    }
    CHECK(read_news(message_of(Head{Verb::runner_started, 0, 0, 0}, started)));
}

TEST_CASE("damaged messages between daemon and keeper are read within bounds or not at all") {
    Random random{20261121};  // fixed, so that a failure can be repeated
    const Bytes seeds[] = {
        message_of(Head{Verb::start_runner, 3, 0, 0}, 5U),
        message_of(Head{Verb::runner_started, 3, 0, 0},
                   isolate::RunnerStarted{1, 1'000'000, isolate::CgroupVersion::v2, 0}),
        message_of(Head{Verb::runner_ended, 0, 0, 0},
                   isolate::RunnerEnded{.index = 2, .error = 0, .reason = "ended"}),
    };
    std::map<std::string, int> outcomes;
    for (int round = 0; round < rounds; ++round) {
        const auto message =
            damaged(seeds[static_cast<std::size_t>(round) % std::size(seeds)], random);
        CAPTURE(round);
        if (const auto order = isolate::read_order(message)) {
            REQUIRE(order->index < isolate::max_runners);
            ++outcomes["order"];
        } else if (const auto news = isolate::read_news(message)) {
            if (const auto* ended = std::get_if<isolate::EndedNews>(&*news))
                REQUIRE(ended->reason.size() <= sizeof isolate::RunnerEnded::reason);
            ++outcomes["news"];
        } else {
            ++outcomes["nothing"];
        }
    }
    CHECK(outcomes["order"] > 100);
    CHECK(outcomes["news"] > 100);
    CHECK(outcomes["nothing"] > 100);
}

TEST_CASE("damaged answers of a container are read as what they are or refused") {
    Random random{20261121};
    const Bytes seeds[] = {
        message_of(Head{Verb::stage_started, 1, 0, 0}, isolate::StageStarted{5}),
        message_of(Head{Verb::stage_ended, 0, 0, 0}, isolate::StageEnded{5, 9}),
        message_of(Head{Verb::stage_refused, 1, 0, 0}, isolate::Fault{isolate::Step::clone, 12}),
        message_of(Head{Verb::box_closed, 1, 0, 0}, isolate::BoxClosed{0, 7}),
    };
    std::map<std::string, int> outcomes;
    for (int round = 0; round < rounds; ++round) {
        const auto message =
            damaged(seeds[static_cast<std::size_t>(round) % std::size(seeds)], random);
        CAPTURE(round);
        const auto answer = isolate::read_answer(message);
        if (!answer) {
            ++outcomes["nothing"];
            continue;
        }
        REQUIRE(answer->body_bytes == message.size() - sizeof(Head));
        if (answer->body_bytes == sizeof(isolate::Fault))
            REQUIRE(isolate::name(answer->as<isolate::Fault>().step));
        else
            REQUIRE_THROWS_AS(static_cast<void>(answer->as<isolate::Fault>()), sys::Error);
        ++outcomes["answer"];
    }
    CHECK(outcomes["answer"] > 100);
    CHECK(outcomes["nothing"] > 100);
}

TEST_CASE("damaged orders into a container are read within bounds or refused") {
    Random random{20261121};
    const Bytes seeds[] = {
        spawn_message(0),
        spawn_message(1),
        message_of(Head{Verb::kill_stage, 0, 0, 0}, isolate::StageStarted{5}),
    };
    std::map<support::Fed, int> outcomes;
    for (int round = 0; round < rounds; ++round) {
        const auto kind = static_cast<std::size_t>(round) % std::size(seeds);
        const auto message = damaged(seeds[kind], random);
        // The second travels in a memfd, mostly with all the seals it needs.
        const auto how = static_cast<std::uint8_t>((kind == 1 ? 1 : 0) |
                                                   (below(random, 4) ? 14 : below(random, 8) * 2));
        CAPTURE(round);
        ++outcomes[support::feed_init({how}, message)];
    }
    CHECK(outcomes[support::Fed::refused] > 100);
    CHECK(outcomes[support::Fed::read] > 100);
    CHECK(outcomes[support::Fed::found_strings] > 100);
}

TEST_CASE("a payload in a memfd that somebody could still change is refused") {
    const auto message = spawn_message(1);
    CHECK(support::feed_init({1 | 14}, message) == support::Fed::found_strings);
    for (const int missing : {2, 4, 8, 14}) {
        CAPTURE(missing);
        const auto how = static_cast<std::uint8_t>(1 | (14 & ~missing));
        CHECK(support::feed_init({how}, message) == support::Fed::refused);
    }
}
