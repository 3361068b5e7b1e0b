#include <doctest/doctest.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "isolate/sys/error.h"
#include "packages/archive.h"
#include "tests/support/archive_maker.h"
#include "tests/support/unpack_place.h"

TEST_CASE("a broken archive is unpacked within its directory or refused") {
    auto random = std::mt19937{20261121};  // fixed, so that a failure can be repeated
    const auto below = [&](std::size_t limit) {
        return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random);
    };
    auto small = std::vector<support::ArchiveMember>{
        {.name = "./bin/", .type = '5', .mode = 0755},
        {.name = "./bin/tool", .content = "#!/bin/sh\n", .mode = 0750},
        {.name = "./share/a/b.txt", .content = std::string(900, 'b')},
        {.name = "./bin/alias", .type = '2', .link = "../bin/tool"},
        {.name = "./bin/twin", .type = '1', .link = "./bin/tool"}};
    const auto tar = support::make_tar(small);
    small.pop_back();
    const std::string seeds[] = {tar,
                                 support::compress(tar, "gzip"),
                                 support::compress(tar, "xz"),
                                 support::compress(tar, "zstd"),
                                 support::make_zip(small),
                                 support::make_deb(tar)};
    const auto limits = packages::ArchiveLimits{.bytes = 1 << 20, .entries = 100};
    std::map<std::string, int> outcomes;
    for (int round = 0; round < 2'000; ++round) {
        auto bytes = seeds[static_cast<std::size_t>(round) % std::size(seeds)];
        for (auto count = 1 + below(4); count > 0; --count) {
            auto& byte = bytes[below(bytes.size())];
            byte = static_cast<char>(byte ^ (1 << below(8)));
        }
        if (below(8) == 0) bytes.resize(below(bytes.size()));
        CAPTURE(round);
        const support::UnpackPlace place;
        try {
            place.unpack(bytes, {}, limits);
            ++outcomes["unpacked"];
        } catch (const sys::Error& error) {
            CAPTURE(std::string{error.what()});
            REQUIRE(error.kind() == sys::Kind::invalid);
            ++outcomes["refused"];
        }
        REQUIRE(place.outside_is_untouched());
    }
    CHECK(outcomes["unpacked"] > 100);
    CHECK(outcomes["refused"] > 100);
}
