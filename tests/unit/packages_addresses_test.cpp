#include <doctest/doctest.h>

#include <string>

#include "isolate/sys/error.h"
#include "packages/addresses.h"
#include "packages/maven.h"
#include "packages/names.h"

namespace {

using namespace packages;

struct Row {
    std::string name, text, expected;  // "none" if nothing may be found
};

TEST_CASE("npm names its registry") {
    const Row rows[] = {
        {"as npm prints it", "https://npm.example/\n", "https://npm.example"},
        {"with a path", "http://mirror.example:4873/npm/\n", "http://mirror.example:4873/npm"},
        {"nothing", "\n", "none"},
        {"npm's word for nothing", "undefined\n", "none"},
        {"another scheme", "ftp://npm.example/\n", "none"},
        {"two lines", "https://npm.example/\nhttps://other.example/\n", "none"},
        {"a query", "https://npm.example/?a=b\n", "none"},
        {"no host", "https:///npm\n", "none"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(parse_npm_registry(row.text).value_or("none") == row.expected);
    }
}

TEST_CASE("pip's index is that of the environment, then of install, then of all commands") {
    const Row rows[] = {
        {"nothing configured", "global.cert='/etc/ssl/ca.crt'\n", "none"},
        {"all commands", "global.index-url='https://a.example/simple/'\n",
         "https://a.example/simple"},
        {"install outranks",
         "install.index-url='https://b.example/simple'\n"
         "global.index-url='https://a.example/simple'\n",
         "https://b.example/simple"},
        {"the environment outranks",
         ":env:.index-url='https://c.example/simple'\n"
         "install.index-url='https://b.example/simple'\n",
         "https://c.example/simple"},
        {"double quotes", "global.index-url=\"https://a.example/simple\"\n",
         "https://a.example/simple"},
        {"a further index is not the index", "global.extra-index-url='https://a.example/simple'\n",
         "none"},
        {"another command", "download.index-url='https://a.example/simple'\n", "none"},
        {"no address", "global.index-url='nonsense'\n", "none"},
        {"no quotes", "global.index-url=https://a.example/simple\n", "none"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(parse_pip_config(row.text).value_or("none") == row.expected);
    }
}

TEST_CASE("of Go's proxies the first that is an address counts") {
    const Row rows[] = {
        {"with direct", "https://go.example,direct\n", "https://go.example"},
        {"two", "https://one.example|https://two.example,direct\n", "https://one.example"},
        {"direct before it", "direct,https://go.example\n", "https://go.example"},
        {"off", "off\n", "none"},
        {"off ends the list", "off,https://go.example\n", "none"},
        {"direct alone", "direct\n", "none"},
        {"a directory", "file:///srv/go\n", "none"},
        {"nothing", "\n", "none"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(parse_go_proxies(row.text).value_or("none") == row.expected);
    }
}

TEST_CASE("a mirror of Maven's stands for the repositories it names") {
    struct MirrorRow {
        std::string patterns, address;
        bool expected;
    };
    const MirrorRow rows[] = {
        {"central", "https://repo.example", true},
        {"snapshots, central", "https://repo.example", true},
        {"*", "https://repo.example", true},
        {"*,!snapshots", "https://repo.example", true},
        {"*,!central", "https://repo.example", false},
        {"!central,*", "https://repo.example", false},
        {"external:*", "https://repo.example", true},
        {"external:*", "http://localhost/repo", false},
        {"external:*", "file:///srv/repo", false},
        {"external:http:*", "https://repo.example", false},
        {"external:http:*", "http://repo.example", true},
        {"centralx", "https://repo.example", false},
        {"", "https://repo.example", false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.patterns);
        CAPTURE(row.address);
        CHECK(mirrors(row.patterns, "central", row.address) == row.expected);
    }
}

std::string mirror(const std::string& of, const std::string& url, const std::string& more = "") {
    return "<mirror><id>m</id><mirrorOf>" + of + "</mirrorOf><url>" + url + "</url>" + more +
           "</mirror>";
}

TEST_CASE("Maven's settings lead to a mirror, else to a repository of an active profile") {
    const std::string profile =
        "<profiles><profile><id>work</id><repositories><repository><id>central</id>"
        "<url> https://work.example/maven </url></repository></repositories></profile></profiles>";
    const Row rows[] = {
        {"nothing", "<settings/>", "none"},
        {"only comments", "<settings><!--" + mirror("*", "https://no.example") + "--></settings>",
         "none"},
        {"a mirror",
         "<settings><mirrors>" + mirror("*", "https://m.example") + "</mirrors></settings>",
         "https://m.example"},
        {"the one that names it outranks a pattern",
         "<settings><mirrors>" + mirror("*", "https://all.example") +
             mirror("central", "https://m.example") + "</mirrors></settings>",
         "https://m.example"},
        {"of patterns the first",
         "<settings><mirrors>" + mirror("*", "https://one.example") +
             mirror("external:*", "https://two.example") + "</mirrors></settings>",
         "https://one.example"},
        {"a blocked one",
         "<settings><mirrors>" + mirror("*", "http://0.example", "<blocked>true</blocked>") +
             "</mirrors></settings>",
         "none"},
        {"a namespace",
         R"(<?xml version="1.0"?><settings xmlns="http://maven.example/1.0"><mirrors>)" +
             mirror("central", "<![CDATA[https://m.example/a&b]]>") + "</mirrors></settings>",
         "https://m.example/a&b"},
        {"an inactive profile", "<settings>" + profile + "</settings>", "none"},
        {"an active profile",
         "<settings>" + profile +
             "<activeProfiles><activeProfile>work</activeProfile></activeProfiles></settings>",
         "https://work.example/maven"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(parse_maven_settings(row.text, "https://repo.example", "settings.xml")
                  .value_or("none") == row.expected);
    }
}

TEST_CASE("settings of Maven's that only Maven can read are refused") {
    const std::string texts[] = {
        "<settings><mirrors>" + mirror("*", "${env.MIRROR}") + "</mirrors></settings>",
        "<settings><mirrors>",
        "",
    };
    for (const auto& text : texts) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_maven_settings(text, "", "settings.xml"), sys::Error);
    }
}

TEST_CASE("an entity in Maven's settings is not resolved") {
    const auto found = parse_maven_settings(
        "<!DOCTYPE settings [<!ENTITY host SYSTEM \"file:///etc/hostname\">]><settings><mirrors>" +
            mirror("*", "https://x.example/&host;") + "</mirrors></settings>",
        "", "settings.xml");
    CHECK(found == "https://x.example/&host;");
    CHECK_FALSE(base_address(*found + "<"));
}

TEST_CASE("Maven's default repository stands in its super POM") {
    CHECK(parse_super_pom("<project><repositories><repository><id>central</id>"
                          "<url>https://repo.example/maven2</url></repository></repositories>"
                          "</project>") == "https://repo.example/maven2");
    CHECK(parse_super_pom("<project/>") == std::nullopt);
    CHECK(parse_super_pom("no XML") == std::nullopt);
}

TEST_CASE("a configured address outranks the machine's clients") {
    auto addresses = Addresses{{.npm = "https://npm.example/",
                                .pypi = "http://127.0.0.1:8080/simple/",
                                .maven = "file:///srv/maven",
                                .go = "https://go.example"}};
    CHECK(addresses.npm() == "https://npm.example");
    CHECK(addresses.pypi() == "http://127.0.0.1:8080/simple");
    CHECK(addresses.maven() == "file:///srv/maven");
    CHECK(addresses.go() == "https://go.example");
}

TEST_CASE("a configured address that is none is refused, without its password") {
    auto addresses = Addresses{{.npm = "ftp://me:secret@npm.example"}};
    CHECK_THROWS_WITH_AS(
        addresses.npm(),
        R"(packages.npm: "ftp://npm.example" is not an address to fetch files from)", sys::Error);
}

TEST_CASE("passwords are taken out of messages") {
    const Row rows[] = {
        {"one", "get https://me:secret@a.example/x failed", "get https://a.example/x failed"},
        {"two", "https://me@a.example http://b:c@d.example", "https://a.example http://d.example"},
        {"an at in the password", "https://me:se@cret@a.example/", "https://a.example/"},
        {"an at behind the host", "https://a.example/@scope/name", "https://a.example/@scope/name"},
        {"none", "no address", "no address"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(without_passwords(row.text) == row.expected);
    }
}

}  // namespace
