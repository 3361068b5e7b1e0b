#include <doctest/doctest.h>

#include <random>
#include <string>

#include "tests/support/framing.h"

namespace {

using Random = std::mt19937;

std::size_t below(Random& random, std::size_t limit) {
    return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
}

const std::string seeds[] = {
    "GET /api/v2/runtimes HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n",
    "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\nhello world",
    ("POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
     "5;a=b\r\nhello\r\n0\r\nT: u\r\n\r\n"),
    "POST /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\nCookie: a\r\n\r\n",
};

// Pieces in which parsers take an interest.
const std::string spices[] = {
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    ";",
    "0\r\n\r\n",
    "Content-Length: 5\r\n",
    "\"",
    "\xff",
    "Transfer-Encoding: chunked\r\n",
    "HTTP/1.1",
    "fffffffffffffff",
    "-1",
};

std::string mutate(Random& random) {
    auto text = std::string{};
    for (auto count = 1 + below(random, 3); count > 0; --count)
        text += seeds[below(random, std::size(seeds))];
    for (auto count = below(random, 4); count > 0; --count) {
        const auto where = below(random, text.size());
        switch (below(random, 4)) {
            case 0:
                text[where] = static_cast<char>(below(random, 256));
                break;
            case 1:
                text.erase(where, 1 + below(random, 8));
                break;
            case 2:
                text.insert(where, spices[below(random, std::size(spices))]);
                break;
            default:
                text.insert(where, text.substr(below(random, text.size()), 20));
                break;
        }
        if (text.empty()) text = "x";
    }
    return text;
}

}  // namespace

TEST_CASE("however bytes are broken and cut, the same requests come out") {
    auto random = Random{20240917};  // fixed, so that a failure can be repeated
    auto complete = 0;
    auto refused = 0;
    for (int round = 0; round < 10'000; ++round) {
        const auto text = mutate(random);
        CAPTURE(round);
        CAPTURE(text);
        const auto whole = support::read_framed(text, [&] { return text.size(); });
        const auto longest = 1 + below(random, 20);
        const auto cut = support::read_framed(text, [&] { return 1 + below(random, longest); });
        REQUIRE(cut == whole);
        complete += static_cast<int>(whole.requests.size());
        refused += whole.refused ? 1 : 0;
    }
    // Neither a mutation that breaks everything nor one that breaks nothing would test much.
    CHECK(complete > 5'000);
    CHECK(refused > 1'000);
}
