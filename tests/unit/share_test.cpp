#include "isolate/share.h"

#include <doctest/doctest.h>

#include <limits>

using isolate::share_of;

TEST_CASE("a stage of few processes has its whole share") {
    CHECK(share_of(0) == isolate::whole_share);
    CHECK(share_of(3) == isolate::whole_share);
    CHECK(share_of(10) == isolate::whole_share);
}

TEST_CASE("a crowd has the less, the more it is") {
    CHECK(share_of(11) < isolate::whole_share);
    CHECK(share_of(20) == isolate::whole_share / 2);
    CHECK(share_of(40) == isolate::whole_share / 4);
    for (int processes = 10; processes < 1000; ++processes)
        CHECK(share_of(processes + 1) <= share_of(processes));
}

TEST_CASE("no crowd has less than the smallest share, however large it is") {
    CHECK(share_of(100'000) == isolate::smallest_share);
    CHECK(share_of(std::numeric_limits<int>::max()) == isolate::smallest_share);
}
