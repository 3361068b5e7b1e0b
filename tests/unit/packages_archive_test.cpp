#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "packages/archive.h"
#include "tests/support/archive_maker.h"
#include "tests/support/unpack_place.h"

using packages::ArchiveLimits;
using packages::Unpacking;
using support::make_ar;
using support::make_deb;
using support::make_tar;
using support::make_zip;
using support::UnpackPlace;
using Member = support::ArchiveMember;
using Members = std::vector<Member>;

namespace {

namespace fs = std::filesystem;

unsigned mode_of(const std::string& path) {
    struct stat status = {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

Member directory(const std::string& name) {
    return {.name = name, .type = '5', .mode = 0755};
}
Member soft_link(const std::string& name, const std::string& target) {
    return {.name = name, .type = '2', .link = target, .mode = 0777};
}
Member hard_link(const std::string& name, const std::string& target) {
    return {.name = name, .type = '1', .link = target};
}

const Members honest = {directory("./"),
                        directory("./bin/"),
                        {.name = "./bin/tool", .content = "#!/bin/sh\n", .mode = 0750},
                        {.name = "./share/a/b.txt", .content = std::string(70'000, 'b'), .mode = 0},
                        soft_link("./bin/alias", "tool"),
                        hard_link("./bin/twin", "./bin/tool")};

}  // namespace

TEST_CASE("every format gives the same tree") {
    struct Row {
        std::string name, bytes;
    };
    const auto tar = make_tar(honest);
    auto zipped = honest;
    zipped.erase(zipped.begin());  // a zip has no "./"
    zipped.pop_back();             // nor hard links
    zipped.push_back({.name = "bin/twin", .content = "#!/bin/sh\n"});
    const Row rows[] = {
        {"tar", tar},
        {"tar.gz", support::compress(tar, "gzip")},
        {"tar.xz", support::compress(tar, "xz")},
        {"tar.zst", support::compress(tar, "zstd")},
        {"tar.bz2", support::compress(tar, "bzip2")},
        {"gzip in two members", support::compress(tar.substr(0, 700), "gzip") +
                                    support::compress(tar.substr(700), "gzip")},
        {"zip", make_zip(zipped)},
        {"deb", make_deb(tar)},
        {"deb with xz", make_deb(support::compress(tar, "xz"), "data.tar.xz")},
        {"deb with zstd", make_deb(support::compress(tar, "zstd"), "data.tar.zst")},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const UnpackPlace place;
        const auto unpacked = place.unpack(row.bytes);
        CHECK(unpacked.bytes >= 70'010);
        CHECK(unpacked.entries >= 6);
        CHECK(sys::read_file(place.in("bin/twin")) == "#!/bin/sh\n");
        CHECK(sys::read_file(place.in("share/a/b.txt")) == std::string(70'000, 'b'));
        CHECK(fs::read_symlink(place.in("bin/alias")) == "tool");
        CHECK(mode_of(place.in("bin/tool")) == 0755);
        CHECK(mode_of(place.in("share/a/b.txt")) == 0644);
        CHECK(mode_of(place.in("share/a")) == 0755);
        CHECK(place.outside_is_untouched());
    }
}

TEST_CASE("a pipe is unpacked like a file") {
    const UnpackPlace place;
    const auto tar = support::compress(make_tar(honest), "gzip");
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const auto reading = sys::UniqueFd{ends[0]};
    auto writing = sys::UniqueFd{ends[1]};
    auto writer = std::thread([&] {
        [[maybe_unused]] const auto written = ::write(writing.get(), tar.data(), tar.size());
        writing.reset();
    });
    packages::unpack(reading, place.root(), {}, {}, {});
    writer.join();
    CHECK(sys::read_file(place.in("bin/tool")) == "#!/bin/sh\n");
}

TEST_CASE("a pipe on which nothing comes is given up when told so, or when time is over") {
    const UnpackPlace place;
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const auto reading = sys::UniqueFd{ends[0]};
    const auto writing = sys::UniqueFd{ends[1]};
    std::stop_source stop;
    stop.request_stop();
    try {
        packages::unpack(reading, place.root(), {}, {}, stop.get_token());
        FAIL("it came to an end");
    } catch (const sys::Error& error) {
        CHECK(error.kind() == sys::Kind::busy);
    }
    const auto no_time = ArchiveLimits{.time = std::chrono::seconds{0}};
    CHECK_THROWS_WITH_AS(packages::unpack(reading, place.root(), {}, no_time, {}),
                         doctest::Contains("longer than 0 s"), sys::Error);
}

TEST_CASE("an archive that would write elsewhere is refused, with the entry named") {
    struct Row {
        std::string name;
        Members members;
        std::string why;
    };
    const Row rows[] = {
        {"parent", {{.name = "../evil"}}, ".."},
        {"parent within", {{.name = "a/../../evil"}}, ".."},
        {"parent that stays", {{.name = "a/../b"}}, ".."},
        {"only a parent", {directory("..")}, ".."},
        {"absolute", {{.name = "/tmp/evil"}}, "absolute"},
        {"absolute and more", {{.name = "//tmp/evil"}}, "absolute"},
        {"control characters", {{.name = "a\nb"}}, "control"},
        {"link to a parent", {soft_link("up", "..")}, "leaves"},
        {"link far up", {soft_link("a/b/up", "../../../outside")}, "leaves"},
        {"link up after down", {soft_link("up", "a/../..")}, "leaves"},
        {"link up through a link", {soft_link("a", "."), soft_link("b", "a/a/../..")}, "leaves"},
        {"absolute link", {soft_link("passwd", "/etc/passwd")}, "absolute"},
        {"link to nothing", {soft_link("x", "")}, "nothing"},
        {"file through a link", {soft_link("d", "e"), {.name = "d/evil"}}, "symbolic link"},
        {"directory through a link",
         {directory("e"), soft_link("d", "e"), directory("d/f")},
         "symbolic link"},
        {"directory that is a link",
         {directory("e"), soft_link("d", "e"), directory("d")},
         "symbolic link"},
        {"directory beneath a file", {{.name = "f"}, {.name = "f/evil"}}, "no directory"},
        {"directory that is a file", {{.name = "f"}, directory("f")}, "no directory"},
        {"file over a directory", {directory("d"), {.name = "d"}}, "replace a directory"},
        {"link over a directory", {directory("d"), soft_link("d", "x")}, "replace a directory"},
        {"hard link outside", {hard_link("h", "../outside")}, ".."},
        {"hard link to an absolute name", {hard_link("h", "/etc/passwd")}, "absolute"},
        {"hard link through a link", {soft_link("d", "e"), hard_link("h", "d/x")}, "hard link"},
        {"hard link to a link", {soft_link("l", "x"), hard_link("h", "l")}, "hard link"},
        {"hard link to what comes later", {hard_link("h", "f"), {.name = "f"}}, "hard link"},
        {"hard link to itself", {{.name = "f"}, hard_link("f", "f")}, "itself"},
        {"device", {{.name = "d", .type = '3'}}, "device"},
        {"block device", {{.name = "d", .type = '4'}}, "device"},
        {"fifo", {{.name = "p", .type = '6'}}, "pipe"},
        {"set-user-ID", {{.name = "su", .mode = 04755}}, "set-user-ID"},
        {"set-group-ID", {{.name = "sg", .mode = 02755}}, "set-user-ID"},
        {"pax path over a harmless name",
         {{.name = "x", .content = support::pax_record("path", "../evil"), .type = 'x'},
          {.name = "harmless"}},
         ".."},
        {"pax link over a harmless one",
         {{.name = "x", .content = support::pax_record("linkpath", "../outside"), .type = 'x'},
          soft_link("l", "harmless")},
         "leaves"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        for (const auto& bytes : {make_tar(row.members), make_deb(make_tar(row.members))}) {
            const UnpackPlace place;
            const auto refusal = place.refusal(bytes);
            CAPTURE(refusal);
            CHECK(refusal.find(row.why) != std::string::npos);
            CHECK(place.outside_is_untouched());
        }
    }
}

TEST_CASE("a zip is believed no more than a tar") {
    const UnpackPlace place;
    CHECK_FALSE(place.refusal(make_zip({{.name = "../../evil", .content = "x"}})).empty());
    CHECK_FALSE(place.refusal(make_zip({{.name = "/evil", .content = "x"}})).empty());
    CHECK_FALSE(place.refusal(make_zip({soft_link("l", "../outside")})).empty());
    CHECK_FALSE(place.refusal(make_zip({soft_link("l", "x"), {.name = "l/y"}})).empty());
    CHECK_FALSE(place.refusal(make_zip({{.name = "su", .mode = 04755}})).empty());
    CHECK(place.outside_is_untouched());
}

TEST_CASE("a link that was there before the archive is not followed either") {
    const UnpackPlace place;
    fs::create_directory_symlink("..", place.in("up"));
    fs::create_symlink("../outside", place.in("file"));
    CHECK(place.refusal(make_tar({{.name = "up/evil"}})).find("symbolic link") !=
          std::string::npos);
    CHECK_FALSE(place.refusal(make_tar({{.name = "x"}}), {.into = "up"}).empty());
    CHECK(place.refusal(make_tar({{.name = "file", .content = "new"}})).empty());
    CHECK(sys::read_file(place.in("file")) == "new");
    CHECK(place.outside_is_untouched());
}

TEST_CASE("the later of two entries of one name counts, and no other name notices") {
    const UnpackPlace place;
    place.unpack(make_tar({{.name = "a", .content = "old"},
                           hard_link("b", "a"),
                           {.name = "a", .content = "new"},
                           soft_link("l", "a"),
                           {.name = "l", .content = "own"},
                           {.name = "f"},
                           soft_link("f", "a")}));
    CHECK(sys::read_file(place.in("a")) == "new");
    CHECK(sys::read_file(place.in("b")) == "old");
    CHECK(sys::read_file(place.in("l")) == "own");
    CHECK(fs::is_symlink(place.in("f")));
}

TEST_CASE("more than a limit allows is refused with the limit") {
    struct Row {
        std::string name;
        std::string bytes;
        ArchiveLimits limits;
        std::string why;
    };
    const auto zeros = std::string(40 << 20, '\0');
    const auto gzip = [](const std::string& bytes) { return support::compress(bytes, "gzip"); };
    const auto many = [](int count) {
        Members members;
        for (int i = 0; i < count; ++i) members.push_back({.name = "f" + std::to_string(i)});
        return make_tar(members);
    };
    const auto sparse = support::pax_record("GNU.sparse.major", "1") +
                        support::pax_record("GNU.sparse.minor", "0") +
                        support::pax_record("GNU.sparse.name", "hole") +
                        support::pax_record("GNU.sparse.realsize", "1099511627776");
    const Row rows[] = {
        {"bytes",
         make_tar({{.name = "a", .content = std::string(1001, 'x')}}),
         {.bytes = 1000},
         "1000 bytes"},
        {"bytes of two",
         make_tar({{.name = "a", .content = std::string(600, 'x')},
                   {.name = "b", .content = std::string(600, 'x')}}),
         {.bytes = 1000},
         "1000 bytes"},
        {"bytes that are only claimed",
         make_tar({{.name = "a", .claimed_size = 1ULL << 32}}),
         {.bytes = 1000},
         "1000 bytes"},
        {"bytes of what is passed over",
         make_tar({{.name = "a", .content = std::string(1001, 'x')}}),
         {.bytes = 1000},
         "1000 bytes"},
        {"ratio", gzip(make_tar({{.name = "a", .content = zeros}})), {}, "250 times"},
        {"ratio in a zip", make_zip({{.name = "a", .content = zeros}}), {}, "250 times"},
        {"ratio in a deb",
         make_deb(gzip(make_tar({{.name = "a", .content = zeros}}))),
         {},
         "250 times"},
        {"compressed twice", gzip(gzip(make_tar({{.name = "a"}}))), {}, "more than once"},
        {"entries", many(11), {.entries = 10}, "10 entries"},
        {"directories made on the way",
         make_tar({{.name = "a/b/c/d/e/f"}}),
         {.entries = 4},
         "4 entries"},
        {"depth", make_tar({{.name = "a/b/c/d/e"}}), {.depth = 4}, "the limit is 4"},
        {"name",
         make_tar({{.name = "a/" + std::string(150, 'x')}}),
         {.name_length = 100},
         "the limit is 100"},
        {"component", make_tar({{.name = std::string(256, 'x')}}), {}, "255"},
        {"link",
         make_tar({soft_link("a", std::string(150, 'x'))}),
         {.link_length = 100},
         "the limit is 100"},
        {"sparse",
         make_tar({{.name = "x", .content = sparse, .type = 'x'},
                   {.name = "hole",
                    .content = std::string{"1\n0\n1\n"} + std::string(506, '\0') + "x",
                    .mode = 0644}}),
         {},
         "bytes"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const UnpackPlace place;
        const auto how =
            row.name == "bytes of what is passed over" ? Unpacking{.remove = {"a"}} : Unpacking{};
        const auto refusal = place.refusal(row.bytes, how, row.limits);
        CAPTURE(refusal);
        CHECK(refusal.find(row.why) != std::string::npos);
    }
}

TEST_CASE("what is no archive, or not all of one, is refused") {
    struct Row {
        std::string name, bytes;
    };
    const auto gzip = support::compress(make_tar(honest), "gzip");
    const auto zip = make_zip({{.name = "a", .content = "some content"}});
    auto damaged_zip = zip;
    // Behind the name and the extra field of the first header, whose lengths stand at 26 and 28.
    damaged_zip[32U + static_cast<unsigned char>(zip[26]) + static_cast<unsigned char>(zip[28])] ^=
        1;
    const auto deb = make_deb(gzip);
    const Row rows[] = {
        {"nothing", ""},
        {"text", "<html>404</html>" + std::string(2000, ' ')},
        {"ELF",
         "\x7f"
         "ELF" +
             std::string(2000, '\0')},
        {"gzip of text", support::compress("hello", "gzip")},
        {"cut gzip", gzip.substr(0, gzip.size() / 2)},
        {"cut tar", make_tar(honest).substr(0, 40'000)},
        {"cut zip", zip.substr(0, zip.size() - 30)},
        {"zip with a wrong checksum", damaged_zip},
        {"ar without data", make_ar({{.name = "debian-binary", .content = "2.0\n"}})},
        {"ar that is no deb", make_ar({{.name = "x.o", .content = "x"}})},
        {"deb of format 9", make_ar({{.name = "debian-binary", .content = "9.0\n"}})},
        {"deb with no tar in it", make_deb("hello")},
        {"deb in a deb", make_deb(make_deb(make_tar(honest)))},
        {"cut deb", deb.substr(0, deb.size() - 100)},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const UnpackPlace place;
        CHECK_FALSE(place.refusal(row.bytes).empty());
    }
}

TEST_CASE("entries go where they are told to") {
    const UnpackPlace place;
    place.unpack(make_tar({{.name = "package/a", .content = "a"},
                           {.name = "package/docs/b"},
                           {.name = "package/docsx", .content = "kept"},
                           {.name = "top", .content = "stripped"},
                           hard_link("package/c", "package/a")}),
                 {.into = "opt/it", .strip = 1, .remove = {"opt/it/docs"}});
    CHECK(sys::read_file(place.in("opt/it/a")) == "a");
    CHECK(sys::read_file(place.in("opt/it/c")) == "a");
    CHECK(sys::read_file(place.in("opt/it/docsx")) == "kept");
    CHECK_FALSE(fs::exists(place.in("opt/it/docs")));
    CHECK(std::distance(fs::directory_iterator{place.root_path()}, {}) == 1);
    CHECK(std::distance(fs::directory_iterator{place.in("opt/it")}, {}) == 3);
}

TEST_CASE("a Debian package lands in a merged /usr, links and set-id bits as asked for") {
    const UnpackPlace place;
    const auto deb = make_deb(make_tar({directory("./"),
                                        directory("./bin/"),
                                        {.name = "./bin/su", .content = "x", .mode = 04755},
                                        {.name = "./lib64/ld.so", .content = "y"},
                                        {.name = "./libx/z"},
                                        soft_link("./lib32", "usr/lib32"),
                                        soft_link("./etc/alternatives/x", "/usr/bin/su"),
                                        soft_link("./usr/bin/up", "../lib/../share/x"),
                                        hard_link("./bin/su2", "./bin/su")}));
    const auto how = Unpacking{.merged_usr = true, .absolute_links = true, .drop_set_id = true};
    place.unpack(deb, how);
    CHECK(mode_of(place.in("usr/bin/su")) == 0755);
    CHECK(sys::read_file(place.in("usr/bin/su2")) == "x");
    CHECK(sys::read_file(place.in("usr/lib64/ld.so")) == "y");
    CHECK(fs::exists(place.in("libx/z")));
    CHECK(fs::read_symlink(place.in("lib32")) == "usr/lib32");
    CHECK(fs::read_symlink(place.in("etc/alternatives/x")) == "/usr/bin/su");
    CHECK_FALSE(fs::exists(place.in("bin")));
    CHECK_FALSE(place.refusal(make_tar({soft_link("l", "/../etc")}), how).empty());
    CHECK_FALSE(place.refusal(make_tar({soft_link("l", "a/../../etc")}), how).empty());
}

TEST_CASE("programs without a mode are told by how they begin") {
    const UnpackPlace place;
    place.unpack(make_zip({{.name = "elf",
                            .content = "\x7f"
                                       "ELF…"},
                           {.name = "script", .content = "#!/bin/sh\n"},
                           {.name = "text", .content = "# text"}}),
                 {.detect_programs = true});
    CHECK(mode_of(place.in("elf")) == 0755);
    CHECK(mode_of(place.in("script")) == 0755);
    CHECK(mode_of(place.in("text")) == 0644);
}

TEST_CASE("names in any writing survive, whatever the locale") {
    const UnpackPlace place;
    const auto name = std::string{"F\u0151tan\u00fas\u00edtv\u00e1ny"};
    const Members pax = {{.name = "x", .content = support::pax_record("path", name), .type = 'x'},
                         {.name = "ascii", .content = "y"}};
    place.unpack(make_tar(pax));
    CHECK(sys::read_file(place.in(name)) == "y");
    place.unpack(make_tar({{.name = "\xff\xfe", .content = "z"}}));
    CHECK(sys::read_file(place.in("\xff\xfe")) == "z");
}

TEST_CASE("Go's digest is of the files in a zip, not of their packing") {
    const UnpackPlace place;
    const auto hash = [&](const Members& members) {
        return to_string(packages::go_hash(place.save(make_zip(members)), {}, {}));
    };
    // echo "<sha256>  <name>" for each, sorted, through sha256sum and base64.
    const auto expected = std::string{"h1:Jw+PFR0oclLPJ0ugYcG/feVdw1t8zw2JDYJo6vTiH/o="};
    const Member a = {.name = "m@v1/a.go", .content = "package a\n"};
    const Member b = {.name = "m@v1/b.go", .content = "package b\n"};
    CHECK(hash({a, b}) == expected);
    CHECK(hash({b, a}) == expected);
    CHECK(hash({a}) != expected);
    CHECK_THROWS_AS(hash({a, a}), sys::Error);
    CHECK_THROWS_AS(hash({soft_link("l", "x")}), sys::Error);
    CHECK_THROWS_AS(packages::go_hash(place.save(make_tar({a})), {}, {}), sys::Error);
}
