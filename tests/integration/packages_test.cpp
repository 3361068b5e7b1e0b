// Packages from their sources to jobs that run on them, through the HTTP API. The languages are
// toys on a base of one static program, made here, so that nothing is downloaded; scripts/languages
// tries the real ones.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "isolate/sys/file.h"
#include "packages/digest.h"
#include "packages/store.h"
#include "tests/support/archive_maker.h"
#include "tests/support/engine_process.h"

namespace {

namespace fs = std::filesystem;
using support::ArchiveMember;
using support::Json;

constexpr const char* busybox = "/usr/bin/busybox";

std::string sha256(const std::string& bytes) {
    packages::Hasher hasher{packages::Digest::Algorithm::sha256};
    hasher.update(bytes);
    return to_string(hasher.finish());
}

// A place with recipes and archives, readable by the engine's user.
class Shelf {
public:
    Shelf() {
        char name[] = "/tmp/crankcase-shelf-XXXXXX";
        path_ = ::mkdtemp(name);
        ::chmod(path_.c_str(), 0755);
        fs::create_directories(recipes());
        std::vector<ArchiveMember> members{
            {.name = "usr/bin/busybox", .content = sys::read_file(busybox), .mode = 0755}};
        for (const std::string tool :
             {"sh", "cat", "echo", "env", "head", "ls", "sleep", "tar", "mkdir"})
            members.push_back({.name = "usr/bin/" + tool, .type = '2', .link = "busybox"});
        members.push_back(
            {.name = "usr/bin/bash", .content = "#!/bin/sh\nexec /bin/sh \"$@\"\n", .mode = 0755});
        members.push_back({.name = "bin", .type = '2', .link = "usr/bin"});
        members.push_back({.name = "etc/passwd", .content = "nobody:x:65534:65534::/:/bin/sh\n"});
        add("base", "1.0.0", "", members);
    }
    ~Shelf() { fs::remove_all(path_); }
    Shelf(const Shelf&) = delete;

    const std::string& path() const { return path_; }
    std::string recipes() const { return path_ + "/recipes"; }

    std::string write(const std::string& name, const std::string& bytes) const {
        std::ofstream{path_ + "/" + name, std::ios::binary} << bytes;
        return "file://" + path_ + "/" + name;
    }

    // A recipe with one archive.
    void add(const std::string& name, const std::string& version, const std::string& more,
             const std::vector<ArchiveMember>& members, const std::string& digest = {}) const {
        const auto bytes = support::compress(support::make_tar(members), "gzip");
        const auto url = write(name + "-" + version + ".tgz", bytes);
        std::ofstream{recipes() + "/" + name + "-" + version + ".toml"}
            << "name = \"" << name << "\"\nversion = \"" << version << "\"\nsummary = \"a toy\"\n"
            << (more.starts_with("setup") ? more : "") << "[[source]]\nurl = \"" << url
            << "\"\ndigest = \"" << (digest.empty() ? sha256(bytes) : digest) << "\"\n"
            << (more.starts_with("setup") ? "" : more);
    }

    // A language whose programs are read aloud by a script that the package brings.
    void add_toy(const std::string& version, const std::string& says = "the toy says: ") const {
        add("toy", version, toy_runtime,
            {{.name = "opt/toy/toy",
              .content = "#!/bin/sh\nprintf '%s' '" + says + "'; cat \"$1\"; shift; echo \"$@\"\n",
              .mode = 0755}});
    }

    static constexpr const char* toy_runtime =
        "[[provides]]\nlanguage = \"toy\"\naliases = [\"t\"]\n"
        "run = { argv = [\"/opt/toy/toy\", \"{main}\", \"{args}\"] }\n";

private:
    std::string path_;
};

std::vector<std::string> settings(const Shelf& shelf, std::vector<std::string> more = {}) {
    more.push_back("paths.recipes=" + shelf.recipes());
    return more;
}

std::string wanted(const std::string& name, const std::string& version) {
    return Json{{"language", name}, {"version", version}}.dump();
}

support::HttpAnswer install(const support::EngineProcess& engine, const std::string& name,
                            const std::string& version = "*") {
    return engine.send("POST", "/api/v2/packages", wanted(name, version));
}

support::HttpAnswer uninstall(const support::EngineProcess& engine, const std::string& name,
                              const std::string& version = "*") {
    return engine.send("DELETE", "/api/v2/packages", wanted(name, version));
}

std::string message_of(const support::HttpAnswer& answer) {
    return answer.json().value("message", "");
}

bool knows(const support::EngineProcess& engine, const std::string& language) {
    const auto runtimes = engine.get("/api/v2/runtimes").json();
    return std::ranges::any_of(
        runtimes, [&](const auto& runtime) { return runtime["language"] == language; });
}

std::string layers_of(const support::EngineProcess& engine) {
    return "/tmp/" + engine.instance() + "/data/layers";
}

// Layers go when nothing uses them any more; a little later than the answer.
bool only_layers_of(const support::EngineProcess& engine, const std::string& package) {
    for (int attempt = 0; attempt < 600; ++attempt) {
        bool others = false;
        for (const auto& entry : fs::directory_iterator{layers_of(engine)})
            others = others || !entry.path().filename().string().starts_with(package);
        if (!others) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return false;
}

// A package as Piston's builder makes one: everything at the root of a tarball.
std::string piston_tarball(const std::string& info, const std::string& environment,
                           bool compiled = false) {
    std::vector<ArchiveMember> members{
        {.name = "./pkg-info.json", .content = info},
        {.name = "./run",
         .content = "#!/bin/bash\necho \"$GREETING $PISTON_LANGUAGE\"\ncat \"$1\"\nshift\n"
                    "echo \"$@\"\n"},
        {.name = "./environment", .content = environment},
        {.name = "./build.sh", .content = "#!/bin/bash\nexit 1\n"},
    };
    if (compiled) members.push_back({.name = "./compile", .content = "echo compiling \"$@\"\n"});
    return support::compress(support::make_tar(members), "gzip");
}

}  // namespace

TEST_CASE("a package is installed, runs on a root of its own, and is removed without a trace") {
    const Shelf shelf;
    shelf.add_toy("1.2.0");
    support::EngineProcess engine{settings(shelf)};
    CHECK_FALSE(knows(engine, "toy"));

    const auto listed = engine.get("/api/v2/packages").json();
    REQUIRE(listed.size() == 2);
    CHECK(listed[1].dump() == R"({"language":"toy","language_version":"1.2.0","installed":false})");

    const auto answer = install(engine, "toy", "1.x");
    CHECK(answer.status == 200);
    CHECK(answer.body == R"({"language":"toy","version":"1.2.0"})");
    const auto run = engine.run("t", "hello\n", {{"args", {"a", "b"}}});
    CHECK(run["run"]["stdout"] == "the toy says: hello\na b\n");
    CHECK(run["version"] == "1.2.0");

    CHECK(message_of(install(engine, "toy")) == "Already installed");
    CHECK(engine.get("/api/v2/packages").json()[1]["installed"] == true);

    CHECK(uninstall(engine, "toy").status == 200);
    CHECK_FALSE(knows(engine, "toy"));
    CHECK(only_layers_of(engine, "base"));
    CHECK(uninstall(engine, "toy").status == 500);
    CHECK(message_of(uninstall(engine, "toy")) == "toy-1.2.0 is not installed");
}

TEST_CASE("a job on layers sees its own root, and neither the host's nor other packages") {
    const Shelf shelf;
    shelf.add("probe", "1.0.0",
              "[[provides]]\nlanguage = \"probe\"\nrun = { argv = [\"/bin/sh\", \"{main}\"] }\n",
              {{.name = "opt/probe/x", .content = "x"}});
    support::EngineProcess engine{settings(shelf)};
    REQUIRE(install(engine, "probe").status == 200);
    const auto said = [&](const std::string& script) {
        return engine.run("probe", script)["run"]["stdout"].get<std::string>();
    };
    CHECK(said("ls /opt /usr/bin/python3 /usr/bin/gcc 2>/dev/null") == "/opt:\nprobe\n");
    CHECK(said("ls /layers 2>&1") == "ls: /layers: No such file or directory\n");
    CHECK(said("for p in / /usr /etc /opt/probe /box; do echo x 2>/dev/null >$p/new && echo $p; "
               "done; echo x >here && cat here; echo x >/tmp/t && cat /tmp/t") == "x\nx\n");
    CHECK(said("cat /proc/self/status | head -60").find("Seccomp:\t2") != std::string::npos);
    // The host's base shows nothing of the packages either.
    const auto host = engine.run("probe", "true");
    CHECK(host["run"]["code"] == 0);
}

TEST_CASE("several versions live side by side, and the newest serves by default") {
    const Shelf shelf;
    shelf.add_toy("1.0.0", "one: ");
    shelf.add_toy("2.0.0", "two: ");
    support::EngineProcess engine{settings(shelf)};
    REQUIRE(install(engine, "toy", "1").status == 200);
    REQUIRE(install(engine, "toy", "*").status == 200);
    CHECK(engine.run("toy", "")["run"]["stdout"] == "two: \n");
    CHECK(engine.run("toy", "", {{"version", "1.0.0"}})["run"]["stdout"] == "one: \n");
    CHECK(uninstall(engine, "toy", "2.0.0").status == 200);
    CHECK(engine.run("toy", "")["run"]["stdout"] == "one: \n");
}

TEST_CASE("what cannot be installed is said, and nothing is left of it") {
    const Shelf shelf;
    shelf.add_toy("1.0.0");
    const auto wrong = "sha256:" + std::string(64, '0');
    shelf.add("forged", "1.0.0", Shelf::toy_runtime, {{.name = "x", .content = "x"}}, wrong);
    shelf.add("escaping", "1.0.0", Shelf::toy_runtime, {{.name = "../../x", .content = "x"}});
    shelf.add("linking", "1.0.0", Shelf::toy_runtime,
              {{.name = "a", .type = '2', .link = "/etc"}, {.name = "a/x", .content = "x"}});
    shelf.add("special", "1.0.0", Shelf::toy_runtime,
              {{.name = "su", .content = "x", .mode = 04755}});
    shelf.add("device", "1.0.0", Shelf::toy_runtime, {{.name = "null", .type = '3'}});
    support::EngineProcess engine{settings(shelf)};
    struct Row {
        std::string name, expected;
    };
    const Row rows[] = {
        {"forged", "Checksum miss-match want: " + std::string(64, '0') + " got: "},
        {"escaping", ".."},
        {"linking", "\"a\""},
        {"special", "set-user-ID"},
        {"device", "device"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto answer = install(engine, row.name);
        CAPTURE(answer.body);
        CHECK(answer.status >= 400);
        CHECK(message_of(answer).find(row.expected) != std::string::npos);
        CHECK(only_layers_of(engine, "base"));
    }
    CHECK(message_of(install(engine, "nothing", "1.x")) ==
          "Requested package nothing-1.x does not exist");
    CHECK(message_of(engine.send("POST", "/api/v2/packages", "{}")) ==
          "Requested package undefined-undefined does not exist");
    CHECK(message_of(engine.send("POST", "/api/v2/packages", R"({"language":5,"version":null})")) ==
          "Requested package 5-null does not exist");
    // As in Piston, a list is a request without fields.
    CHECK(message_of(engine.send("POST", "/api/v2/packages", "[1]")) ==
          "Requested package undefined-undefined does not exist");
    CHECK(engine.send("POST", "/api/v2/packages", "[1").json()["stack"].is_string());
    CHECK(install(engine, "toy").status == 200);
}

TEST_CASE("a set-up script runs in a box, and what it makes becomes part of the package") {
    const Shelf shelf;
    shelf.add(
        "made", "1.0.0",
        "setup = \"mkdir opt; cat /opt/in >opt/out; echo $(cat /proc/net/dev | head -9 | tail "
        "-n +3 | wc -l) >>opt/out; tar -c opt\"\n",
        {{.name = "opt/in", .content = "from the package\n"}});
    std::ofstream{shelf.recipes() + "/made-1.0.0.toml", std::ios::app}
        << "[[provides]]\nlanguage = \"made\"\nrun = { argv = [\"/bin/cat\", \"/opt/out\"] }\n";
    shelf.add("broken", "1.0.0", "setup = \"echo so bad >&2; exit 3\"\n", {{.name = "x"}});
    std::ofstream{shelf.recipes() + "/broken-1.0.0.toml", std::ios::app}
        << "[[provides]]\nlanguage = \"broken\"\nrun = { argv = [\"/bin/true\"] }\n";
    support::EngineProcess engine{settings(shelf)};
    REQUIRE(install(engine, "made").status == 200);
    CHECK(engine.run("made", "")["run"]["stdout"].get<std::string>().starts_with(
        "from the package\n"));
    const auto answer = install(engine, "broken");
    CHECK(answer.status == 500);
    CHECK(message_of(answer).find("so bad") != std::string::npos);
    CHECK_FALSE(knows(engine, "broken"));
}

// A change of the records shows a moment later.
bool prints_at_last(const support::EngineProcess& engine, const std::string& language,
                    const std::string& wanted) {
    for (int attempt = 0; attempt < 200; ++attempt) {
        if (engine.run(language, "")["run"]["stdout"] == wanted) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds{20});
    }
    return false;
}

// What `install made --with two` does, with a library that is made here.
void add_library(const support::EngineProcess& engine, const std::string& setup) {
    const packages::Store store{"/tmp/" + engine.instance() + "/data"};
    const auto transaction = store.begin();
    const auto records = store.installed();
    auto record = *std::ranges::find(records, "made", &packages::Record::name);
    auto staging = transaction.begin_layer();
    fs::create_directories(staging.path() + "/opt/parts");
    std::ofstream{staging.path() + "/opt/parts/two"} << "2";
    record.libraries = {
        {.names = {"two"},
         .parts = {},
         .layer = transaction.publish(std::move(staging), "made-with", record.version)}};
    record.stale_setup = setup;
    transaction.put(record);
}

TEST_CASE("a set-up script runs again for libraries that come later, and takes the first's place") {
    const Shelf shelf;
    const std::string setup = "mkdir opt; ls /opt >opt/seen; ls /opt/parts >>opt/seen; tar -c opt";
    shelf.add("made", "1.0.0", "setup = \"" + setup + "\"\n",
              {{.name = "opt/parts/one", .content = "1"}});
    std::ofstream{shelf.recipes() + "/made-1.0.0.toml", std::ios::app}
        << "[[provides]]\nlanguage = \"made\"\nrun = { argv = [\"/bin/cat\", \"/opt/seen\"] }\n";
    support::EngineProcess engine{settings(shelf)};
    REQUIRE(install(engine, "made").status == 200);
    CHECK(engine.run("made", "")["run"]["stdout"] == "parts\none\n");
    add_library(engine, setup);
    REQUIRE(engine.wait_for_log("package_finished", 2));
    CHECK(prints_at_last(engine, "made", "parts\none\ntwo\n"));
}

TEST_CASE("a job goes on with the files of a package that is removed meanwhile") {
    const Shelf shelf;
    shelf.add("slow", "1.0.0",
              "[[provides]]\nlanguage = \"slow\"\nrun = { argv = [\"/bin/sh\", \"{main}\"] }\n",
              {{.name = "opt/slow/late", .content = "still here"}});
    support::EngineProcess engine{settings(shelf)};
    REQUIRE(install(engine, "slow").status == 200);
    Json result;
    std::jthread client{
        [&] { result = engine.run("slow", "sleep 1.5; cat /opt/slow/late; ls /opt/slow"); }};
    std::this_thread::sleep_for(std::chrono::milliseconds{500});
    CHECK(uninstall(engine, "slow").status == 200);
    CHECK_FALSE(knows(engine, "slow"));
    client.join();
    CHECK(result["run"]["stdout"] == "still herelate\n");
    CHECK(only_layers_of(engine, "base"));
}

TEST_CASE("fifty installations and removals under load lose no job") {
    const Shelf shelf;
    shelf.add_toy("1.0.0", "stays: ");
    shelf.add("other", "1.0.0",
              "[[provides]]\nlanguage = \"other\"\nrun = { argv = [\"/bin/echo\", \"o\"] }\n",
              {{.name = "opt/o", .content = "o"}});
    support::EngineProcess engine{settings(shelf)};
    REQUIRE(install(engine, "toy").status == 200);
    std::atomic<int> wrong = 0;
    std::atomic<int> right = 0;
    {
        std::vector<std::jthread> clients;
        for (int i = 0; i < 2; ++i) {
            clients.emplace_back([&](const std::stop_token& stop) {
                while (!stop.stop_requested()) {
                    const auto run = engine.run("toy", "x")["run"];
                    (run["stdout"] == "stays: x\n" ? right : wrong)++;
                }
            });
        }
        for (int round = 0; round < 50; ++round) {
            CHECK(install(engine, "other").status == 200);
            CHECK(engine.run("other", "")["run"]["stdout"] == "o\n");
            CHECK(uninstall(engine, "other").status == 200);
        }
    }
    CHECK(wrong == 0);
    CHECK(right > 0);
}

TEST_CASE("of two that install the same package at once, one installs it") {
    const Shelf shelf;
    shelf.add_toy("1.0.0");
    support::EngineProcess engine{settings(shelf)};
    std::array<int, 4> statuses{};
    {
        std::vector<std::jthread> clients;
        for (auto& status : statuses)
            clients.emplace_back([&] { status = install(engine, "toy").status; });
    }
    CHECK(std::ranges::count(statuses, 200) == 1);
    CHECK(std::ranges::count(statuses, 500) == 3);
    CHECK(engine.run("toy", "x")["run"]["code"] == 0);
}

TEST_CASE("installed packages are there again after kill -9") {
    const Shelf shelf;
    shelf.add_toy("1.0.0");
    support::EngineProcess engine{settings(shelf)};
    REQUIRE(install(engine, "toy").status == 200);
    engine.kill_hard();
    engine.start();
    REQUIRE(engine.wait_until_ready());
    CHECK(engine.run("toy", "x")["run"]["code"] == 0);
}

TEST_CASE("Piston's own tarballs are installed unchanged from an index") {
    const Shelf shelf;
    const auto lone = piston_tarball(
        R"({"language":"greet","version":"1.0.0","aliases":["g"],"build_platform":"docker-debian",
            "limit_overrides":{"run_timeout":5000,"unheard_of":1}})",
        "export GREETING='hello from'\nexport PATH=$PWD/bin:$PATH\n");
    const auto twins = piston_tarball(
        R"({"language":"pair","version":"2.1.0","provides":[
            {"language":"left","aliases":["l"]},{"language":"right"}]})",
        "export GREETING=both:\n", true);
    const auto line = [&](const std::string& name, const std::string& version,
                          const std::string& bytes) {
        const auto digest = sha256(bytes);
        return name + "," + version + "," + digest.substr(digest.find(':') + 1) + "," +
               shelf.write(name + ".pkg.tar.gz", bytes) + "\n";
    };
    const auto index = shelf.write("index", "\n" + line("greet", "1.0.0", lone) +
                                                line("pair", "2.1.0", twins) + "../evil,1.0.0," +
                                                std::string(64, 'a') + ",file:///x\n$(x),1,2,3\n");
    support::EngineProcess engine{settings(shelf, {"packages.index=" + index})};

    REQUIRE(install(engine, "greet", "1.x").status == 200);
    const auto run = engine.run("g", "the code\n", {{"args", {"one", "two"}}});
    CHECK(run["run"]["stdout"] == "hello from greet\nthe code\none two\n");

    REQUIRE(install(engine, "pair").status == 200);
    const auto left = engine.run("left", "x\n");
    CHECK(left["compile"]["stdout"].get<std::string>().starts_with("compiling"));
    CHECK(left["run"]["stdout"] == "both: left\nx\n\n");
    CHECK(knows(engine, "right"));
    // Piston forgets all but the first runtime of such a package.
    CHECK(uninstall(engine, "pair").status == 200);
    CHECK_FALSE(knows(engine, "left"));
    CHECK_FALSE(knows(engine, "right"));
}

TEST_CASE("an index that cannot be reached is an answer, and its last copy serves on") {
    const Shelf shelf;
    const auto bytes = piston_tarball(R"({"language":"greet","version":"1.0.0"})", "");
    const auto digest = sha256(bytes);
    const auto index =
        shelf.write("index", "greet,1.0.0," + digest.substr(digest.find(':') + 1) + "," +
                                 shelf.write("greet.pkg.tar.gz", bytes) + "\n");
    SUBCASE("from the beginning") {
        fs::remove(shelf.path() + "/index");
        support::EngineProcess engine{settings(shelf, {"packages.index=" + index})};
        CHECK(engine.get("/api/v2/packages").status == 200);
        const auto answer = install(engine, "greet");
        CHECK(answer.status == 502);
        CHECK(message_of(answer).find("index cannot be used") != std::string::npos);
        CHECK(engine.get("/healthz").status == 200);
    }
    SUBCASE("after it was read once") {
        support::EngineProcess engine{settings(shelf, {"packages.index=" + index})};
        CHECK(engine.get("/api/v2/packages").json().size() == 2);
        fs::remove(shelf.path() + "/index");
        CHECK(engine.get("/api/v2/packages").json().size() == 2);
        CHECK(install(engine, "greet").status == 200);
    }
}

TEST_CASE("who may not change packages is told why") {
    const Shelf shelf;
    shelf.add_toy("1.0.0");
    const std::string token = "0123456789abcdef0123456789abcdef";
    SUBCASE("switched off") {
        support::EngineProcess engine{settings(shelf, {"packages.api=off"})};
        CHECK(install(engine, "toy").status == 403);
        CHECK(engine.get("/api/v2/packages").status == 403);
    }
    SUBCASE("with a token") {
        support::EngineProcess engine{
            settings(shelf, {"packages.api=token", "packages.token=" + token})};
        CHECK(install(engine, "toy").status == 401);
        const auto with = [&](const std::string& value) {
            return engine
                .send("POST", "/api/v2/packages", wanted("toy", "*"),
                      "Authorization: " + value + "\r\n")
                .status;
        };
        CHECK(with("Bearer " + token + "x") == 401);
        CHECK(with(token) == 401);
        CHECK(with("Bearer " + token) == 200);
    }
    SUBCASE("a page in somebody's browser") {
        support::EngineProcess engine{settings(shelf)};
        CHECK(engine
                  .send("POST", "/api/v2/packages", wanted("toy", "*"),
                        "Origin: http://page.example\r\n")
                  .status == 403);
    }
}
