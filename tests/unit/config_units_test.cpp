#include <doctest/doctest.h>

#include "config/units.h"

namespace {

using namespace config;
using namespace config::literals;

TEST_CASE("a size is read as people write it") {
    struct Row {
        const char* text;
        std::optional<Bytes> expected;
    };
    const Row rows[] = {
        {"4096", 4096_B},
        {"0", 0_B},
        {"512B", 512_B},
        {"64KiB", 64_KiB},
        {"64 MiB", 64_MiB},
        {"1GiB", 1_GiB},
        {"10KB", 10'000_B},
        {"10MB", 10'000'000_B},
        {"2GB", 2'000'000'000_B},
        {"unlimited", unlimited_bytes},
        {"-1", unlimited_bytes},
        {"18446744073709551615", unlimited_bytes},
        {"18446744073709551616", std::nullopt},
        {"17179869184GiB", std::nullopt},
        {"", std::nullopt},
        {" 1", std::nullopt},
        {"1 ", std::nullopt},
        {"1  MiB", std::nullopt},
        {"1mib", std::nullopt},
        {"1.5MiB", std::nullopt},
        {"-2", std::nullopt},
        {"+1", std::nullopt},
        {"0x10", std::nullopt},
        {"MiB", std::nullopt},
        {"3s", std::nullopt},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_bytes(row.text) == row.expected);
    }
}

TEST_CASE("a time is read as people write it") {
    struct Row {
        const char* text;
        std::optional<Milliseconds> expected;
    };
    const Row rows[] = {
        {"3s", Milliseconds{3000}},
        {"250ms", Milliseconds{250}},
        {"2m", Milliseconds{120'000}},
        {"1h", Milliseconds{3'600'000}},
        {"3 s", Milliseconds{3000}},
        {"1500", Milliseconds{1500}},
        {"0", Milliseconds{0}},
        {"8760h", longest_time},
        {"unlimited", unlimited_time},
        {"-1", unlimited_time},
        {"8761h", std::nullopt},
        {"9223372036854775807", std::nullopt},
        {"99999999999999999999s", std::nullopt},
        {"", std::nullopt},
        {"s", std::nullopt},
        {"3S", std::nullopt},
        {"3sec", std::nullopt},
        {"1.5s", std::nullopt},
        {"-3s", std::nullopt},
        {"1MiB", std::nullopt},
    };
    for (const auto& row : rows) {
        CAPTURE(row.text);
        CHECK(parse_duration(row.text) == row.expected);
    }
}

TEST_CASE("a count is a whole number or unlimited") {
    CHECK(parse_count("0") == 0);
    CHECK(parse_count("64") == 64);
    CHECK(parse_count("unlimited") == unlimited_count);
    CHECK(parse_count("-1") == unlimited_count);
    CHECK(parse_count("2147483647") == unlimited_count);
    for (const auto* text : {"2147483648", "", "-2", "6 4", "64 ", "0x10", "64KiB", "many"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_count(text));
    }
}

TEST_CASE("a quantity is written in the shortest exact way") {
    CHECK(to_string(0_B) == "0");
    CHECK(to_string(512_B) == "512");
    CHECK(to_string(4096_B) == "4KiB");
    CHECK(to_string(4097_B) == "4097");
    CHECK(to_string(10'000'000_B) == "10MB");
    CHECK(to_string(256_MiB) == "256MiB");
    CHECK(to_string(3_GiB) == "3GiB");
    CHECK(to_string(unlimited_bytes) == "unlimited");

    CHECK(to_string(Milliseconds{0}) == "0s");
    CHECK(to_string(Milliseconds{250}) == "250ms");
    CHECK(to_string(Milliseconds{3000}) == "3s");
    CHECK(to_string(Milliseconds{75'000}) == "75s");
    CHECK(to_string(Milliseconds{60'000}) == "1m");
    CHECK(to_string(Milliseconds{3'600'000}) == "1h");
    CHECK(to_string(unlimited_time) == "unlimited");

    CHECK(to_string(64) == "64");
    CHECK(to_string(unlimited_count) == "unlimited");
}

TEST_CASE("what is written is read back as the same quantity") {
    for (std::uint64_t number = 1; number < (1ull << 62); number = number * 3 + number % 7) {
        for (const auto count : {number, number << 1, number / 1000 * 1000, number >> 10 << 10}) {
            CAPTURE(count);
            CHECK(parse_bytes(to_string(Bytes{count})) == Bytes{count});
            const auto time = Milliseconds{count % (1ull << 34)};
            CHECK(parse_duration(to_string(time)) == time);
        }
    }
}

}  // namespace
