#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "isolate/sys/error.h"
#include "packages/debian.h"

namespace {

using namespace packages;

// As apt-get prints them, with an epoch, a plus and a package for all architectures.
const std::string uris =
    "Reading package lists...\n"
    "'http://deb.example/debian/pool/main/h/hello/hello_2.10-3_amd64.deb' hello_2.10-3_amd64.deb "
    "53080 MD5Sum:d04c2e9639dee67aa836d8232b1ca658\n"
    "'http://deb.example/debian/pool/main/g/gcc-12/g%2b%2b_12.2.0-3_amd64.deb' "
    "g++_4%3a12.2.0-3_amd64.deb 1356 SHA256:00\n"
    "'http://deb.example/debian/pool/main/p/py/py_1.0~rc1_all.deb' py_1.0~rc1_all.deb 7 \n";

TEST_CASE("apt's list of downloads is read") {
    const auto packages = parse_uris(uris);
    REQUIRE(packages.size() == 3);
    CHECK(packages[0] ==
          DebianPackage{.name = "hello",
                        .version = "2.10-3",
                        .architecture = "amd64",
                        .file_name = "hello_2.10-3_amd64.deb",
                        .url = "http://deb.example/debian/pool/main/h/hello/hello_2.10-3_amd64.deb",
                        .size = 53080});
    CHECK(packages[1].name == "g++");
    CHECK(packages[1].version == "4:12.2.0-3");
    CHECK(packages[1].file_name == "g++_4%3a12.2.0-3_amd64.deb");
    CHECK(packages[2].architecture == "all");
    CHECK(packages[2].version == "1.0~rc1");
    CHECK(parse_uris("").empty());
}

TEST_CASE("a download that apt names in another way is refused") {
    const std::string lines[] = {
        "'http://deb.example/x",
        "'http://deb.example/x' ",
        "'http://deb.example/x' hello_2.10-3_amd64.deb",
        "'http://deb.example/x' hello_2.10-3_amd64.deb many MD5Sum:00",
        "'http://deb.example/x' hello_2.10-3_amd64.deb -1 MD5Sum:00",
        "'http://deb.example/x' hello_2.10-3_amd64.rpm 1 MD5Sum:00",
        "'http://deb.example/x' hello_amd64.deb 1 MD5Sum:00",
        "'http://deb.example/x' ../hello_2.10-3_amd64.deb 1 MD5Sum:00",
        "'http://deb.example/x' hello_../2_amd64.deb 1 MD5Sum:00",
        "'http://deb.example/x' -o_2.10-3_amd64.deb 1 MD5Sum:00",
        "'http://deb.example/x' hello_2.10$(id)_amd64.deb 1 MD5Sum:00",
    };
    for (const auto& line : lines) {
        CAPTURE(line);
        CHECK_THROWS_AS(parse_uris(line + "\n"), sys::Error);
    }
}

const std::string hello_stanza =
    "Package: hello\n"
    "Version: 2.10-3\n"
    "Architecture: amd64\n"
    "Depends: libc6 (>= 2.34)\n"
    "Description: an example\n"
    " of two lines\n"
    "Tag: a::b,\n"
    " c::d\n"
    "Section: devel\n"
    "Filename: pool/main/h/hello/hello_2.10-3_amd64.deb\n"
    "Size: 53080\n"
    "MD5sum: d04c2e9639dee67aa836d8232b1ca658\n"
    "SHA256: 2e6e2f1a0007dc43bc91c273fd36e91e40a4f1c2765a03eca68b70a42103878a\n";

TEST_CASE("a stanza becomes that of an installed package") {
    const std::string installed =
        "Package: hello\n"
        "Status: install ok installed\n"
        "Version: 2.10-3\n"
        "Architecture: amd64\n"
        "Depends: libc6 (>= 2.34)\n"
        "Description: an example\n"
        " of two lines\n"
        "Section: devel\n";
    CHECK(installed_stanza(hello_stanza) == installed);
    CHECK(installed_stanza(installed) == installed);
}

TEST_CASE("stanzas are separated by blank lines, fields are whole words") {
    CHECK(split_stanzas("A: 1\nB: 2\n\n\nA: 3\n") ==
          std::vector<std::string>{"A: 1\nB: 2\n", "A: 3\n"});
    CHECK(split_stanzas("\n\n").empty());
    CHECK(field(hello_stanza, "Version") == "2.10-3");
    CHECK(field(hello_stanza, "Vers") == std::nullopt);
    CHECK(field(" Version: 1\n", "Version") == std::nullopt);
}

TEST_CASE("a resolved package has the digest of its own stanza") {
    auto packages = parse_uris(uris);
    packages.resize(1);
    const std::string other =
        "Package: hello\nVersion: 2.10-3\nArchitecture: arm64\nSize: 53080\nSHA256: " +
        std::string(64, '0') + "\n\n";
    complete(packages, other + hello_stanza);
    CHECK(packages[0].sha256 == "2e6e2f1a0007dc43bc91c273fd36e91e40a4f1c2765a03eca68b70a42103878a");
    CHECK(packages[0].stanza == installed_stanza(hello_stanza));
}

TEST_CASE("a package without a digest of its own, or of another size, is refused") {
    struct Row {
        std::string name, from, to;
    };
    const Row rows[] = {
        {"no digest", "SHA256:", "SHA255:"},
        {"half a digest", "SHA256: 2e6e2f1a", "SHA256: "},
        {"another size", "Size: 53080", "Size: 53081"},
        {"no size", "Size: 53080", "Size:"},
        {"another version", "Version: 2.10-3", "Version: 2.10-4"},
        {"another package", "Package: hello", "Package: hallo"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        auto packages = parse_uris(uris);
        packages.resize(1);
        auto stanza = hello_stanza;
        stanza.replace(stanza.find(row.from), row.from.size(), row.to);
        CHECK_THROWS_AS(complete(packages, stanza), sys::Error);
    }
}

TEST_CASE("apt's candidates are read, with or without a version") {
    const auto versions = parse_policy(
        "hello:\n"
        "  Installed: (none)\n"
        "  Candidate: 2.10-3\n"
        "  Version table:\n"
        "     2.10-3 500\n"
        "        500 http://deb.example/debian stable/main amd64 Packages\n"
        "mail-transport-agent:\n"
        "  Installed: (none)\n"
        "  Candidate: (none)\n"
        "g++:\n"
        "  Installed: 1\n"
        "  Candidate: 4:12.2.0-3\n");
    CHECK(versions ==
          std::map<std::string, std::string>{{"hello", "2.10-3"}, {"g++", "4:12.2.0-3"}});
}

TEST_CASE("Debian's versions become strict ones") {
    struct Row {
        std::string debian, expected;
    };
    const Row rows[] = {
        {"2.10-3", "2.10.0"},
        {"5.2.15-2+b10", "5.2.15"},
        {"4:12.2.0-3", "12.2.0"},
        {"8.2.24-1~deb12u1", "8.2.24"},
        {"3.2.2+dfsg-20", "3.2.2"},
        {"2.4.9~ds-1", "2.4.9"},
        {"17.0.13+11-2~deb12u1", "17.0.13"},
        {"17.0.21.1+2-1~deb12u1", "17.0.21"},
        {"1.1.0+dfsg2-7.1", "1.1.0"},
        {"20210219-4", "20210219.0.0"},
        {"1:9.02-1", "9.2.0"},
        {"2:1.0~rc2-1", "1.0.0"},
        {"0.0~git20220101-1", "0.0.0"},
        {"3.11", "3.11.0"},
        {"r5-1", "5.0.0"},
        {"1-2-3", "1.0.0"},
        {"", "none"},
        {"unknown-1", "none"},
        {"1:", "none"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.debian);
        CHECK(upstream_version(row.debian).value_or("none") == row.expected);
    }
}

TEST_CASE("apt tells how far a download is") {
    CHECK(parse_download_status("dlstatus:2:67.6057:Retrieving file 2 of 2") ==
          doctest::Approx(67.6057));
    CHECK(parse_download_status("dlstatus:1:0.0000:Retrieving file 1 of 2") == 0.0);
    for (const std::string line : {"", "pmstatus:x:50:y", "dlstatus:", "dlstatus:1", "dlstatus:1:",
                                   "dlstatus:1:50", "dlstatus:1:many:x", "dlstatus:1:101:x",
                                   "dlstatus:1:-1:x", "dlstatus:1:nan:x", "dlstatus:1:inf:x"}) {
        CAPTURE(line);
        CHECK_FALSE(parse_download_status(line));
    }
}

TEST_CASE("apt's errors become one sentence") {
    CHECK(apt_errors("", "W: a warning\nE: Unable to locate package x\nE: And more\n") ==
          "Unable to locate package x; And more");
    CHECK(apt_errors("The following packages have unmet dependencies:\n"
                     " foo : Depends: bar (>= 2) but it is not installable\n",
                     "E: held broken packages.\n") ==
          "held broken packages.; foo : Depends: bar (>= 2) but it is not installable");
    CHECK(apt_errors("", "E: Failed to fetch http://me:secret@deb.example/x  404\n") ==
          "Failed to fetch http://deb.example/x  404");
    CHECK(apt_errors("", std::string(100, '\n')).empty());
    CHECK(apt_errors("", "E: " + std::string(5000, 'x')).size() <= 600);
    CHECK(names_missing_package("E: Unable to locate package x"));
    CHECK(names_missing_package("E: Package 'x' has no installation candidate"));
    CHECK_FALSE(names_missing_package("E: Failed to fetch x"));
}

TEST_CASE("names that are no Debian packages never reach apt") {
    // Should one get through, the error would be another: there is no such directory.
    auto debian = Debian{{.directory = "/proc/no/such/directory", .offline = true}};
    for (const std::string name :
         {"", "x", "-y", "--print-uris", "hello-", "../x", "a b", "$(id)", "hello=1",
          "hello/stable", "hello:amd64", "Hello", "hello*", "^hello", "hello\n", ".hello"}) {
        CAPTURE(name);
        const auto message_of = [&](auto call) {
            try {
                call();
            } catch (const sys::Error& error) {
                return std::pair{error.kind(), std::string{error.what()}};
            }
            return std::pair{sys::Kind::broken, std::string{"nothing was thrown"}};
        };
        const auto [kind, message] = message_of([&] { debian.resolve({"hello", name}, ""); });
        CHECK(kind == sys::Kind::invalid);
        CHECK(message.find("is not the name of a Debian package") != std::string::npos);
        CHECK(message_of([&] { debian.candidate_version(name); }).first == sys::Kind::invalid);
    }
}

TEST_CASE("apt gets no directory that its configuration could not name") {
    for (const std::string directory : {"", "relative", "/a b", "/a\"b", "/a;b", "/a\nb"}) {
        CAPTURE(directory);
        CHECK_THROWS_AS(Debian{{.directory = directory}}, sys::Error);
    }
}

}  // namespace
