#include <doctest/doctest.h>

#include "isolate/cgroup.h"

using isolate::field_of;
using isolate::number_of;

TEST_CASE("fields of control files are found by their whole name") {
    const char* oom_control = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
    CHECK(field_of(oom_control, "oom_kill") == 3);
    CHECK(field_of(oom_control, "oom_kill_disable") == 0);
    CHECK(field_of("usage_usec 1234\nuser_usec 1000\n", "usage_usec") == 1234);
    CHECK(field_of("usage_usec 1234\n", "usage") == 0);
    CHECK(field_of("", "oom_kill") == 0);
    CHECK(field_of("oom_kill", "oom_kill") == 0);
    CHECK(field_of("low 0\nhigh 0\nmax 7\noom 1\noom_kill 2", "oom_kill") == 2);
}

TEST_CASE("numbers of control files end where the digits end") {
    CHECK(number_of("4096\n") == 4096);
    CHECK(number_of("18446744073709551615") == 18446744073709551615ULL);
    CHECK(number_of("max\n") == 0);
    CHECK(number_of("") == 0);
}
