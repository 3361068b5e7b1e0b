#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "api/cli/run/event_stream.h"
#include "isolate/sys/error.h"

namespace {

using cli::Event;
using Events = std::vector<Event>;
using Random = std::mt19937;

std::size_t below(Random& random, std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

Events events_of(std::string_view text) {
    return cli::EventStream{}.feed(text);
}

Events events_in_pieces(Random& random, std::string_view text) {
    cli::EventStream stream;
    Events events;
    while (!text.empty()) {
        const auto piece = text.substr(0, 1 + below(random, 7));
        text.remove_prefix(piece.size());
        for (auto& event : stream.feed(piece)) events.push_back(std::move(event));
    }
    return events;
}

const std::string sample =
    "\xEF\xBB\xBF: hello\n\nevent: stage\ndata: {\"stage\":\"run\"}\n\n"
    "event:stdout\r\ndata:a\r\ndata: b\r\n\r\n"
    ":\r\rdata: c\r\rid: 3\nretry: 5\nevent: lonely\n\ndata\n\n";

std::string mutate(Random& random) {
    static const std::string spices[] = {"\n", "\r",   "\r\n\r\n",    "data:", ":",   "event: x\n",
                                         " ",  "\n\n", "data: y\n\n", "\xff",  "data"};
    auto text = sample + sample;
    for (auto count = 1 + below(random, 5); count > 0; --count) {
        const auto where = below(random, text.size());
        switch (below(random, 3)) {
            case 0:
                text[where] = static_cast<char>(below(random, 256));
                break;
            case 1:
                text.erase(where, 1 + below(random, 8));
                break;
            default:
                text.insert(where, spices[below(random, std::size(spices))]);
                break;
        }
    }
    return text;
}

}  // namespace

TEST_CASE("an event ends at an empty line, whichever way lines end") {
    const Events expected{
        {"stage", "{\"stage\":\"run\"}"}, {"stdout", "a\nb"}, {"message", "c"}, {"message", ""}};
    CHECK(events_of(sample) == expected);
}

TEST_CASE("lines are read as the standard for event streams says") {
    struct Row {
        std::string name, text;
        Events expected;
    };
    const Row rows[] = {
        {"comments alone", ": keep-alive\n\n:\n\n", {}},
        {"a name without data", "event: exit\n\n", {}},
        {"a name does not stay", "event: a\n\ndata: x\n\n", {{"message", "x"}}},
        {"one blank is the colon's", "data:  x\n\n", {{"message", " x"}}},
        {"colons in a value", "data: {\"a\":1}\n\n", {{"message", "{\"a\":1}"}}},
        {"unknown fields", "id: 4\nretry: 1\ncolour: red\ndata: x\n\n", {{"message", "x"}}},
        {"fields are case-sensitive", "Data: x\n\n", {}},
        {"no empty line, no event", "data: x\n", {}},
        {"a byte order mark is one only at the start",
         "data: x\n\n\xEF\xBB\xBF"
         "data: y\n\n",
         {{"message", "x"}}},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(events_of(row.text) == row.expected);
    }
}

TEST_CASE("an event without an end does not fill the memory") {
    cli::EventStream stream{100};
    CHECK(stream.feed("data: " + std::string(90, 'x')).empty());
    CHECK_THROWS_AS(stream.feed(std::string(90, 'x')), sys::Error);
    cli::EventStream lines{100};
    const auto flood = [&] {
        for (int i = 0; i < 100; ++i) static_cast<void>(lines.feed("data: 12345678\n"));
    };
    CHECK_THROWS_AS(flood(), sys::Error);
}

TEST_CASE("however a stream is broken and cut, the same events come out") {
    auto random = Random{20261121};  // fixed, so that a failure can be repeated
    std::size_t all = 0;
    for (int round = 0; round < 10'000; ++round) {
        const auto text = mutate(random);
        CAPTURE(round);
        CAPTURE(text);
        const auto whole = events_of(text);
        REQUIRE(events_in_pieces(random, text) == whole);
        all += whole.size();
    }
    // Mutations that break everything would test little.
    CHECK(all > 30'000);
}
