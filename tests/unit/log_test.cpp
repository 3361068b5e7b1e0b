#include "isolate/sys/log.h"

#include <doctest/doctest.h>

using sys::Level;
using sys::log_line;

TEST_CASE("a plain value stands as it is, any other is quoted") {
    CHECK(log_line(Level::info, "job", {{"id", "a1"}, {"wall_ms", 17}}) ==
          "info job id=a1 wall_ms=17\n");
    CHECK(log_line(Level::warn, "x", {{"why", "two words"}}) == "warn x why=\"two words\"\n");
    CHECK(log_line(Level::warn, "x", {{"why", ""}}) == "warn x why=\"\"\n");
}

TEST_CASE("no value can forge a line, a field or a terminal command") {
    CHECK(log_line(Level::error, "x", {{"v", "a\nerror forged=1"}}) ==
          "error x v=\"a\\x0aerror forged=1\"\n");
    CHECK(log_line(Level::error, "x", {{"v", "\" id=2"}}) == "error x v=\"\\\" id=2\"\n");
    CHECK(log_line(Level::error, "x", {{"v", "\x1b[2J"}}) == "error x v=\"\\x1b[2J\"\n");
    CHECK(log_line(Level::error, "x", {{"v", "\u202e"}}) == "error x v=\"\\xe2\\x80\\xae\"\n");
}
