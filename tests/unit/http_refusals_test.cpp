#include <doctest/doctest.h>

#include "api/http/refusals.h"

TEST_CASE("refusals are counted by what was wrong, whatever the status") {
    http::RefusalCounts counts;
    CHECK(counts.values() == http::Refusals{});
    for (const int status : {400, 415, 417, 501, 505}) counts.count(status);
    for (const int status : {413, 414, 431}) counts.count(status);
    for (const int status : {429, 503}) counts.count(status);
    counts.count(408);
    CHECK(counts.values() ==
          http::Refusals{.malformed = 5, .too_large = 3, .too_slow = 1, .too_many = 2});
}
