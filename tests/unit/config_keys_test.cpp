#include <doctest/doctest.h>

#include <random>
#include <string>

#include "config/keys.h"
#include "config/settings.h"
#include "tests/support/mutation.h"

using config::Key;
using config::KeyRate;
using config::Milliseconds;
using config::Scope;

namespace {

const std::string one(64, '1');
const std::string two(64, '2');

std::string complaint(const std::string& text) {
    try {
        config::parse_keys(text);
        return {};
    } catch (const config::SettingsError& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("a line of the file of keys says everything about a key but the key") {
    const auto keys = config::parse_keys(
        "# ours\n\nalice sha256:" + one + "\r\n\tci@build.example  sha256:" + two +
        " scopes=run,install rate=600/m burst=5 jobs=2 # of the build\n");
    REQUIRE(keys.size() == 2);
    CHECK(keys[0].name == "alice");
    CHECK(keys[0].digest[31] == 0x11);
    CHECK(keys[0].may(Scope::run));
    CHECK_FALSE(keys[0].may(Scope::install));
    CHECK(keys[0].rate == KeyRate{});
    CHECK(keys[0].jobs == 0);
    CHECK(keys[1].name == "ci@build.example");
    CHECK(keys[1].may(Scope::install));
    CHECK_FALSE(keys[1].may(Scope::admin));
    CHECK(keys[1].rate == KeyRate{.count = 600, .window = Milliseconds{60'000}, .burst = 5});
    CHECK(keys[1].jobs == 2);
    for (const auto& key : keys)
        CHECK(config::parse_keys(config::line_of(key)) == std::vector{key});
}

TEST_CASE("whoever has admin may everything") {
    const Key key{.name = "root", .scopes = config::parse_scopes("admin")};
    for (const auto scope : {Scope::run, Scope::install, Scope::admin}) CHECK(key.may(scope));
    CHECK(config::parse_scopes("") == 0);
    CHECK(config::parse_scopes("run,") == 1);
    CHECK(config::parse_scopes("run,everything") == 0);
}

TEST_CASE("a rate is a number in a second, a minute or an hour") {
    KeyRate rate;
    CHECK(config::parse_rate("10/s", rate));
    CHECK(rate == KeyRate{.count = 10, .window = Milliseconds{1000}, .burst = 10});
    for (const std::string wrong : {"", "10", "/s", "0/s", "-1/s", "10/d", "10/s/s", "1e3/s"}) {
        CAPTURE(wrong);
        CHECK_FALSE(config::parse_rate(wrong, rate));
    }
}

TEST_CASE("what is no key is told by its line, and quoted nowhere") {
    const auto good = "alice sha256:" + one;
    struct Row {
        std::string name, text, expected;
    };
    const Row rows[] = {
        {"a name alone", "\nalice", "line 2: behind the name comes sha256:"},
        {"a key in the place of its digest", "alice ck_secret", "line 1: behind the name comes"},
        {"a short digest", "alice sha256:11", "line 1: behind the name comes"},
        {"capitals", "alice sha256:" + std::string(64, 'A'), "line 1: behind the name comes"},
        {"a wild name", "a/b sha256:" + one, "line 1: a key's name"},
        {"an unknown word", good + " x=1", "line 1: behind the digest come"},
        {"an unknown scope", good + " scopes=all", "line 1: behind the digest come"},
        {"no job at once", good + " jobs=0", "line 1: behind the digest come"},
        {"a burst of no rate", good + " burst=2", "line 1: burst= says"},
        {"a name twice", good + "\nalice sha256:" + two, "line 2: that name"},
        {"a digest twice", good + "\nbob sha256:" + one, "line 2: that digest"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto said = complaint(row.text);
        CHECK(said.starts_with(row.expected));
        CHECK(said.find("secret") == said.npos);
    }
    CHECK(complaint("").empty());
}

TEST_CASE("a key is taken out by its name, and everything else stays as it was") {
    const auto text = "# ours\nalice sha256:" + one + " # her\nalice2 sha256:" + two;
    CHECK(config::without_key(text, "alice") == "# ours\nalice2 sha256:" + two);
    CHECK(config::without_key(text, "nobody") == text);
    CHECK(config::without_key(text, "#") == text);
}

TEST_CASE("a damaged file of keys is read or refused, and what was read is written as it was") {
    const auto text = "alice sha256:" + one +
                      " scopes=run,install rate=10/s burst=20 jobs=4 # x\nbob sha256:" + two + "\n";
    std::mt19937 random{11};
    int refused = 0;
    for (int round = 0; round < 10'000; ++round) {
        const auto damaged = support::mutated(text, "#=,/:\n \t\r0a", random);
        try {
            for (const auto& key : config::parse_keys(damaged))
                REQUIRE(config::parse_keys(config::line_of(key)) == std::vector{key});
        } catch (const config::SettingsError&) {
            ++refused;
        }
    }
    CHECK(refused > 1000);
    CHECK(refused < 10'000);
}
