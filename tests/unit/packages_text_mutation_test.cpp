// The texts that come from elsewhere, damaged: each is read or refused, and nothing else happens.
#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <string>
#include <string_view>

#include "isolate/sys/error.h"
#include "packages/index.h"
#include "packages/package.h"
#include "packages/record.h"
#include "packages/version.h"
#include "tests/support/mutation.h"

namespace {

using namespace std::literals;

constexpr int rounds = 5000;

// Calls `read` with damaged copies of the seed; true from it means that the text was accepted.
// Both must happen, or the damage was too small or too large to test anything.
void try_damaged(const std::string& seed, std::string_view telling,
                 const std::function<bool(const std::string&)>& read) {
    auto random = std::mt19937{20261121};  // fixed, so that a failure can be repeated
    int accepted = 0;
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        try {
            accepted += read(support::mutated(seed, telling, random));
        } catch (const sys::Error& error) {
            CAPTURE(std::string{error.what()});
            REQUIRE(error.kind() == sys::Kind::invalid);
        }
    }
    CHECK(accepted > 0);
    CHECK(accepted < rounds);
}

TEST_CASE("a damaged package is read or refused") {
    const std::string seed = R"(
name = "toy"
version = "1.2.3"
depends = ["base"]
links = { "usr/bin/toy" = "../lib/toy" }
remove = ["usr/share/doc"]
setup = "tar -c x"
[[source]]
npm = "@scope/toy@1.2.3"
digest = "sha512-AAAA"
into = "opt/toy"
strip = 1
[[provides]]
language = "toy"
aliases = ["t"]
extension = "ty"
run = { argv = ["/opt/toy/toy", "{main}", "{args}"] }
limits = { run_timeout = 5000 }
[provides.tests]
hello = "say hello"
[libraries]
kind = "debian"
pattern = "toy-{name}"
setup = true
)";
    try_damaged(seed, "[]{}=\".,#\n\\'-0123456789/:@\0\x80\xff"sv, [](const std::string& text) {
        const auto package = packages::parse_package(text, "toy.toml");
        REQUIRE(packages::is_package_name(package.name));
        return true;
    });
}

TEST_CASE("a damaged record is read, and written the same again, or refused") {
    packages::Record record{.name = "toy", .version = "1.2.3", .summary = "A toy"};
    record.depends = {"base"};
    record.layers = {{.name = "toy-1.2.3-0123456789abcdef"}};
    record.library_source = packages::Libraries{.pattern = "toy-{name}"};
    record.provides.push_back({.language = "toy", .aliases = {"t"}});
    try_damaged(to_json(record), "[]{}\",:\\0123456789-.eEutrnfals\0\x80\xff"sv,
                [](const std::string& text) {
                    const auto read = packages::parse_record(text, "toy.json");
                    REQUIRE(packages::parse_record(to_json(read), "again.json") == read);
                    return true;
                });
}

TEST_CASE("of a damaged index every entry is one that can be part of a path") {
    const auto digest = std::string(64, 'a');
    const auto line = ",1.2.3," + digest + ",https://example.org/toy-1.2.3.pkg.tar.gz\n";
    try_damaged("toy" + line + "c++" + line, ",.\n/\\:0123456789-\0\x80\xff"sv,
                [](const std::string& text) {
                    const auto index = packages::parse_index(text);
                    for (const auto& entry : index.entries) {
                        REQUIRE(packages::is_package_name(entry.package));
                        REQUIRE(packages::parse_version(entry.version).has_value());
                    }
                    return index.entries.size() == 2;
                });
}

TEST_CASE("a damaged range is a range or none, and contains no version by accident of reading") {
    try_damaged(">=1.2.3 <2 || ~3.4 || 5.x || 1.0 - 2.5.0-alpha.7", "<>=~^|.- xX*v0123456789+"sv,
                [](const std::string& text) {
                    const auto range = packages::parse_range(text);
                    if (!range) return false;
                    // What one alternative admits, the whole must.
                    const packages::Version version{.major = 1, .minor = 5};
                    for (const auto& alternative : range->alternatives) {
                        const packages::Range alone{.alternatives = {alternative}};
                        if (alone.contains(version)) REQUIRE(range->contains(version));
                    }
                    return true;
                });
}

}  // namespace
