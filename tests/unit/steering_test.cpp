#include "isolate/steering.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "isolate/feed.h"
#include "isolate/protocol.h"

using isolate::Feed;
using isolate::InputKind;
using isolate::Steering;
using isolate::WindowSize;

namespace {

bool wants_attention(const Steering& steering) {
    pollfd event{steering.wake().get(), POLLIN, 0};
    return ::poll(&event, 1, 0) == 1;
}

struct Pipe {
    sys::UniqueFd read_end, write_end;

    Pipe() {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
        read_end.reset(ends[0]);
        write_end.reset(ends[1]);
    }
    // What is in it now; "<end>" behind that if nobody can write any more.
    std::string take() const {
        std::string all;
        char chunk[4096];
        ssize_t length = 0;
        while ((length = ::read(read_end.get(), chunk, sizeof chunk)) > 0)
            all.append(chunk, static_cast<std::size_t>(length));
        return length == 0 ? all + "<end>" : all;
    }
};

}  // namespace

TEST_CASE("input waits in order until it is taken, and counts until it is written") {
    Steering steering{config::Bytes{10}};
    CHECK(steering.write("12345"));
    CHECK(steering.write("67890"));
    CHECK_FALSE(steering.write("!"));
    const auto input = steering.take_input();
    CHECK(input.bytes == "1234567890!");
    CHECK_FALSE(input.ended);
    CHECK_FALSE(steering.write("?"));
    steering.report_written(11);
    CHECK(steering.write("."));
    CHECK(steering.take_input().bytes == "?.");
}

TEST_CASE("room is announced once, when half of it is free again") {
    int announced = 0;
    Steering steering{config::Bytes{10}, [&announced] { ++announced; }};
    steering.write("12345678901");
    steering.take_input();
    steering.report_written(5);
    CHECK(announced == 0);
    steering.report_written(1);
    CHECK(announced == 1);
    steering.report_written(5);
    CHECK(announced == 1);
    steering.write("1234567890");
    steering.take_input();
    steering.report_written(10);
    CHECK(announced == 1);  // there was room all the time
    steering.write("12345678901");
    steering.close_input();
    CHECK(announced == 2);
}

TEST_CASE("whoever is told of room may write at once") {
    std::vector<bool> had_room;
    Steering* self = nullptr;
    Steering steering{config::Bytes{4}, [&] { had_room.push_back(self->write("abc")); }};
    self = &steering;
    steering.write("12345");
    steering.take_input();
    steering.report_written(5);
    CHECK(had_room == std::vector<bool>{true});
    CHECK(steering.take_input().bytes == "abc");
}

TEST_CASE("input after its end, or for a program that takes none, is dropped without complaint") {
    Steering ended{config::Bytes{2}};
    ended.write("ab");
    ended.end_input();
    CHECK(ended.write("cdefg"));
    const auto input = ended.take_input();
    CHECK(input.bytes == "ab");
    CHECK(input.ended);

    Steering closed{config::Bytes{2}};
    closed.write("abcd");
    closed.close_input();
    CHECK(closed.write("efgh"));
    CHECK(closed.take_input().bytes.empty());
}

TEST_CASE("each signal waits once, in the order last asked for, and impossible ones do not") {
    Steering steering{config::Bytes{2}};
    for (const int number : {SIGSTOP, SIGTERM, 0, -1, 65, SIGCONT, SIGSTOP})
        steering.signal(number);
    CHECK(steering.take_orders().signals == std::vector<int>{SIGTERM, SIGCONT, SIGSTOP});
    CHECK(steering.take_orders().signals.empty());
}

TEST_CASE("the window size and the hold stay for stages to come") {
    Steering steering{config::Bytes{2}};
    CHECK_FALSE(steering.take_orders().size.has_value());
    steering.resize({.rows = 1, .columns = 2});
    steering.resize({.rows = 50, .columns = 132});
    steering.hold_output(true);
    steering.take_orders();
    const auto orders = steering.take_orders();
    CHECK(orders.size == WindowSize{.rows = 50, .columns = 132});
    CHECK(orders.hold_output);
    steering.hold_output(false);
    CHECK_FALSE(steering.take_orders().hold_output);
}

TEST_CASE("everything asked for wakes the job's thread, until it has looked") {
    Steering steering{config::Bytes{2}};
    CHECK_FALSE(wants_attention(steering));
    const std::vector<std::function<void()>> requests{
        [&] { steering.write("x"); },        [&] { steering.signal(SIGTERM); },
        [&] { steering.resize({}); },        [&] { steering.hold_output(true); },
        [&] { steering.write("too much"); }, [&] { steering.end_input(); },
    };
    for (const auto& request : requests) {
        request();
        CHECK(wants_attention(steering));
        steering.take_orders();
        CHECK_FALSE(wants_attention(steering));
    }
    steering.signal(0);
    CHECK_FALSE(wants_attention(steering));
}

TEST_CASE("many threads may steer at once") {
    Steering steering{config::Bytes{1 << 20}};
    std::vector<std::jthread> threads;
    threads.reserve(4);
    for (int thread = 0; thread < 4; ++thread) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) {
                steering.write("x");
                steering.signal(1 + i % 64);
            }
        });
    }
    std::size_t taken = 0;
    while (taken < 4000) {
        steering.take_orders();
        const auto bytes = steering.take_input().bytes.size();
        taken += bytes;
        steering.report_written(bytes);
    }
    threads.clear();
    CHECK(taken == 4000);
    CHECK(steering.take_input().bytes.empty());
}

TEST_CASE("the job's text comes first, and without a steering the input ends there") {
    const std::string text = "text";
    Pipe alone;
    Feed feed{std::move(alone.write_end), InputKind::pipe, text, nullptr};
    feed.push();
    CHECK(alone.take() == "text<end>");

    Pipe steered;
    Steering steering{config::Bytes{10}};
    steering.write(" more");
    Feed more{std::move(steered.write_end), InputKind::pipe, text, &steering};
    more.push();
    CHECK(steered.take() == "text more");
    CHECK(more.waiting_fd() == -1);
    steering.end_input();
    more.push();
    CHECK(steered.take() == "<end>");
}

TEST_CASE("a full pipe is waited for, and a closed one ends the input") {
    ::signal(SIGPIPE, SIG_IGN);
    Pipe pipe;
    int announced = 0;
    Steering steering{config::Bytes{1000}, [&announced] { ++announced; }};
    CHECK_FALSE(steering.write(std::string(100'000, 'x')));
    Feed feed{std::move(pipe.write_end), InputKind::pipe, "", &steering};
    feed.push();
    CHECK(feed.waiting_fd() >= 0);
    CHECK(announced == 0);
    CHECK(pipe.take().size() == 65536);
    feed.push();
    CHECK(feed.waiting_fd() == -1);
    CHECK(announced == 1);
    CHECK(pipe.take().size() == 100'000 - 65536);
    pipe.read_end.reset();
    CHECK_FALSE(steering.write(std::string(100'000, 'x')));
    feed.push();
    CHECK(announced == 2);
    CHECK(steering.write(std::string(100'000, 'x')));
}

TEST_CASE("a feed that goes lets go of whoever waits for room") {
    int announced = 0;
    Steering steering{config::Bytes{1}, [&announced] { ++announced; }};
    steering.write("xx");
    Pipe pipe;
    { const Feed feed{std::move(pipe.write_end), InputKind::pipe, "", &steering}; }
    CHECK(announced == 1);
    CHECK(steering.write("xx"));
}

TEST_CASE("the end of input on a terminal is a character, two behind an unfinished line") {
    struct Row {
        std::string text, steered, expected;
    };
    const Row rows[] = {
        {"", "", "\x04<end>"},
        {"line\n", "", "line\n\x04<end>"},
        {"", "line\n", "line\n\x04<end>"},
        {"open", "", "open\x04\x04<end>"},
        {"line\n", "open", "line\nopen\x04\x04<end>"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.expected);
        Pipe pipe;
        Steering steering{config::Bytes{100}};
        if (!row.steered.empty()) steering.write(row.steered);
        steering.end_input();
        Feed feed{std::move(pipe.write_end), InputKind::terminal, row.text, &steering};
        feed.push();
        CHECK(pipe.take() == row.expected);
    }
}

TEST_CASE("signals have the numbers 1 to 64") {
    CHECK_FALSE(isolate::is_signal(0));
    CHECK(isolate::is_signal(1));
    CHECK(isolate::is_signal(64));
    CHECK_FALSE(isolate::is_signal(65));
    CHECK_FALSE(isolate::is_signal(-9));
}
