// What the doctor reads: versions and the table of kernel holes, accounts, mounts, the way to a
// file.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "isolate/doctor/gather.h"
#include "isolate/doctor/kernel_table.h"
#include "isolate/keeper_process.h"
#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "tests/support/mutation.h"

namespace {

namespace fs = std::filesystem;
using doctor::KernelHole;
using doctor::KernelVersion;

// Gone with this value.
struct Directory {
    Directory() : path(fs::temp_directory_path() / ("gather-" + std::to_string(::getpid()))) {
        fs::create_directories(path);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { fs::remove_all(path); }

    void write(const std::string& name, const std::string& text) const {
        fs::create_directories((path / name).parent_path());
        std::ofstream(path / name) << text;
    }

    fs::path path;
};

std::string shipped_table() {
    return sys::read_file(isolate::program_directory() + "/../share/crankcase/kernel.holes");
}

}  // namespace

TEST_CASE("the version of a kernel is upstream's, wherever the distribution says it") {
    struct Row {
        std::string name, release, version, signature;
        std::optional<KernelVersion> expected;
    };
    const Row rows[] = {
        {"plain", "6.18.44", "Linux version 6.18.44 (gcc)", "", KernelVersion{6, 18, 44}},
        {"two numbers", "6.12-rc3", "", "", KernelVersion{6, 12, 0}},
        {"Debian", "6.1.0-49-amd64", "Linux version 6.1.0-49-amd64 (x) #1 SMP Debian 6.1.176-1 (y)",
         "", KernelVersion{6, 1, 176}},
        {"Ubuntu", "5.15.0-91-generic", "Linux version 5.15.0-91-generic #101-Ubuntu",
         "Ubuntu 5.15.0-91.101-generic 5.15.131", KernelVersion{5, 15, 131}},
        {"none", "", "", "", std::nullopt},
        {"no number", "linux", "", "", std::nullopt},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(doctor::upstream_version(row.release, row.version, row.signature) == row.expected);
    }
}

TEST_CASE("a kernel has a hole until its own series was repaired") {
    const KernelHole hole{.name = "cve-1",
                          .since = {5, 8, 0},
                          .repaired = {{5, 10, 102}, {5, 15, 25}, {5, 17, 0}},
                          .about = "a hole"};
    struct Row {
        std::string name;
        KernelVersion kernel;
        bool expected;
    };
    const Row rows[] = {
        {"before it came", {5, 4, 300}, false},  {"the first with it", {5, 8, 0}, true},
        {"just before", {5, 10, 101}, true},     {"repaired", {5, 10, 102}, false},
        {"repaired later", {5, 15, 200}, false}, {"a series that ended", {5, 11, 22}, true},
        {"between", {5, 16, 20}, true},          {"newer than all", {6, 1, 0}, false},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        CHECK(doctor::has_hole(row.kernel, hole) == row.expected);
    }
}

TEST_CASE(
    "the shipped table of kernel holes can be read, and closes no kernel of its own repairs") {
    const auto holes = doctor::parse_holes(shipped_table());
    REQUIRE(!holes.empty());
    for (const auto& hole : holes) {
        CAPTURE(hole.name);
        for (const auto& version : hole.repaired) CHECK_FALSE(doctor::has_hole(version, hole));
        CHECK(doctor::has_hole({5, 10, 1}, hole));
        CHECK_FALSE(doctor::has_hole({99, 0, 0}, hole));
    }
}

TEST_CASE("a line of the table that cannot be read is told with its number") {
    for (const std::string line :
         {"dirty-pipe 5.8.0 5.10.102 : x", "cve-1", "cve-1 - : x", "cve-1 - 5.10.102",
          "cve-1 - 5.10.102 : ", "cve-1 x 5.10.102 : x", "cve-1 - 5.15.1 5.10.1 : x",
          "cve-1 - 5.-1 : x"}) {
        CAPTURE(line);
        CHECK_THROWS_WITH_AS(doctor::parse_holes("# fine\n" + line + "\n"),
                             doctest::Contains("line 2"), sys::Error);
    }
}

TEST_CASE("no damage to the table of kernel holes does more than be refused") {
    std::mt19937 random{5};  // NOLINT(cert-msc51-cpp): the same damage every time
    const auto table = shipped_table();
    int refused = 0;
    for (int round = 0; round < 10'000; ++round) {
        try {
            for (const auto& hole :
                 doctor::parse_holes(support::mutated(table, ".:-#\n 0", random)))
                CHECK(!hole.repaired.empty());
        } catch (const sys::Error& error) {
            CHECK(error.kind() == sys::Kind::invalid);
            ++refused;
        }
    }
    CHECK(refused > 0);
}

TEST_CASE("accounts and subordinate ids are read line by line, and others skipped") {
    const auto users =
        doctor::parse_accounts("/etc/passwd", "root:x:0:0::\nbad\na:x:y:1\nz:x:7:7\n");
    REQUIRE(users.size() == 2);
    CHECK(users[1] == doctor::IdRange{.file = "/etc/passwd", .owner = "z", .first = 7});
    const auto ranges = doctor::parse_sub_ids("/etc/subuid", "a:100000:65536\nb:1\n#c:1:x\n");
    REQUIRE(ranges.size() == 1);
    CHECK(ranges[0] ==
          doctor::IdRange{.file = "/etc/subuid", .owner = "a", .first = 100000, .count = 65536});
}

TEST_CASE(
    "hierarchies are those of cgroups, with their controllers and whether they can be written") {
    const auto found = doctor::parse_hierarchies(
        "22 1 0:21 / /proc rw - proc proc rw\n"
        "30 1 0:30 / /sys/fs/cgroup/memory rw,nosuid shared:9 - cgroup cgroup rw,memory\n"
        "31 1 0:31 / /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpu,cpuacct\n"
        "32 1 0:32 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n");
    REQUIRE(found.size() == 3);
    CHECK(found[0] == doctor::Hierarchy{.mount_point = "/sys/fs/cgroup/memory",
                                        .controllers = {"memory"},
                                        .writable = true});
    CHECK(found[1].controllers == std::vector<std::string>{"cpu", "cpuacct"});
    CHECK_FALSE(found[1].writable);
    CHECK(found[2].unified);
}

TEST_CASE("the way to a file names every directory and every link, also those of links") {
    const Directory directory;
    directory.write("real/deep/file", "x");
    fs::create_symlink("real/deep", directory.path / "relative");
    fs::create_symlink(directory.path / "relative", directory.path / "absolute");
    std::vector<std::string> names;
    int links = 0;
    for (const auto& component : doctor::way_to(directory.path / "absolute/file")) {
        links += component.link ? 1 : 0;
        names.push_back(component.path);
    }
    CHECK(links == 2);
    CHECK(names.back() == (directory.path / "real/deep/file").string());
    fs::create_symlink("loop", directory.path / "loop");
    CHECK(doctor::way_to(directory.path / "loop").size() < 100);
}

TEST_CASE("left-overs are the groups of an instance whose lock nobody holds") {
    const Directory directory;
    directory.write("proc/self/mountinfo", "1 0 0:1 / /cg/memory rw - cgroup cgroup rw,memory\n");
    directory.write("cg/memory/crankcase/r0/tasks", "");
    directory.write("cg/memory/another/r0/tasks", "");
    directory.write("run/crankcase/lock", "");
    const doctor::Places places{.root = directory.path, .proc = directory.path / "proc"};
    CHECK(doctor::find_left_overs({}, places) ==
          std::vector<std::string>{"cgroup /cg/memory/crankcase"});
    const auto lock = sys::open(directory.path / "run/crankcase/lock", O_RDWR);
    REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
    CHECK(doctor::find_left_overs({}, places).empty());
}
