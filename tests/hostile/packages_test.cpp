// Package sources that mean no good, and installations that are interrupted: through the API of an
// engine whose index is a server of this test. What was refused leaves nothing, and an honest
// package installs afterwards.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "isolate/sys/file.h"
#include "packages/digest.h"
#include "tests/support/archive_maker.h"
#include "tests/support/census.h"
#include "tests/support/engine_process.h"
#include "tests/support/http_client.h"
#include "tests/support/lying_server.h"

namespace {

namespace fs = std::filesystem;
using support::ArchiveMember;
using support::EngineProcess;
using support::HttpClient;
using support::Json;
using support::LyingServer;
using Line = LyingServer::Line;

constexpr int runners = 1;

std::string hex_digest(const std::string& bytes) {
    packages::Hasher hasher{packages::Digest::Algorithm::sha256};
    hasher.update(bytes);
    const auto text = to_string(hasher.finish());
    return text.substr(text.find(':') + 1);
}

std::string archive(const std::vector<ArchiveMember>& members) {
    return support::compress(support::make_tar(members), "gzip");
}

// A package as Piston's builder makes one, whose language runs a shell script.
std::string package(const std::string& language, std::vector<ArchiveMember> more = {}) {
    more.push_back({.name = "./pkg-info.json",
                    .content = R"({"language":")" + language + R"(","version":"1.0.0"})"});
    more.push_back(
        {.name = "./run", .content = "#!/bin/sh\nexport HERE=\"${0%/*}\"\nexec /bin/sh \"$1\"\n"});
    more.push_back({.name = "./environment", .content = "export FROM=package\n"});
    return archive(more);
}

// A shop with an index and one package behind each of its lines. Of itself it is honest; a package
// may have a clerk of its own.
class Shop {
public:
    using Clerk = std::function<void(Line&, const std::string& bytes)>;

    Shop() : server_([this](const auto& request, Line& line) { serve(request.target, line); }) {
        char name[] = "/tmp/crankcase-shop-XXXXXX";
        recipes_ = ::mkdtemp(name);
        fs::permissions(recipes_, fs::perms{0755});
        add_base();
    }
    Shop(const Shop&) = delete;
    Shop& operator=(const Shop&) = delete;
    ~Shop() {
        server_.stop();
        fs::remove_all(recipes_);
    }

    void add(const std::string& name, const std::string& bytes, Clerk clerk = {}) {
        index_ += name + ",1.0.0," + hex_digest(bytes) + "," + server_.url("/" + name) + "\n";
        shelf_[name] = {bytes, std::move(clerk)};
    }
    void add_line(const std::string& line) { index_ += line + "\n"; }

    std::vector<std::string> settings() const {
        return {"pool.runners=1", "admission.concurrent_jobs=1", "paths.recipes=" + recipes_,
                "packages.index=" + server_.url("/index")};
    }

private:
    struct Ware {
        std::string bytes;
        Clerk clerk;
    };

    void serve(const std::string& target, Line& line) const {
        if (target == "/index") return line.answer("200 OK", index_);
        const auto found = shelf_.find(target.substr(1));
        if (found == shelf_.end()) return line.answer("404 Not Found", "no");
        const auto& [bytes, clerk] = found->second;
        clerk ? clerk(line, bytes) : line.answer("200 OK", bytes);
    }

    // The root that packages stand on: one static program.
    void add_base() const {
        std::vector<ArchiveMember> members{{.name = "usr/bin/busybox",
                                            .content = sys::read_file("/usr/bin/busybox"),
                                            .mode = 0755},
                                           {.name = "bin", .type = '2', .link = "usr/bin"}};
        for (const std::string tool :
             {"sh", "cat", "echo", "env", "ls", "sleep", "head", "tar", "mkdir"})
            members.push_back({.name = "usr/bin/" + tool, .type = '2', .link = "busybox"});
        members.push_back(
            {.name = "usr/bin/bash", .content = "#!/bin/sh\nexec /bin/sh \"$@\"\n", .mode = 0755});
        const auto bytes = archive(members);
        std::ofstream{recipes_ + "/base.tgz", std::ios::binary} << bytes;
        std::ofstream{recipes_ + "/base.toml"}
            << "name = \"base\"\nversion = \"1.0.0\"\nsummary = \"a root\"\n[[source]]\nurl = "
            << "\"file://" << recipes_ << "/base.tgz\"\ndigest = \"sha256:" << hex_digest(bytes)
            << "\"\n";
    }

    std::string recipes_, index_;
    std::map<std::string, Ware> shelf_;
    LyingServer server_;
};

std::string wanted(const std::string& name) {
    return Json{{"language", name}, {"version", "*"}}.dump();
}

support::HttpAnswer install(const EngineProcess& engine, const std::string& name) {
    return engine.send("POST", "/api/v2/packages", wanted(name));
}

support::HttpAnswer uninstall(const EngineProcess& engine, const std::string& name) {
    return engine.send("DELETE", "/api/v2/packages", wanted(name));
}

bool knows(const EngineProcess& engine, const std::string& language) {
    const auto runtimes = engine.get("/api/v2/runtimes").json();
    return std::ranges::any_of(
        runtimes, [&](const auto& runtime) { return runtime["language"] == language; });
}

bool runs(const EngineProcess& engine, const std::string& language) {
    return engine.run(language, "echo $FROM")["run"]["stdout"] == "package\n";
}

bool is_installed(const EngineProcess& engine, const std::string& name) {
    const auto packages = engine.get("/api/v2/packages").json();
    return std::ranges::any_of(packages, [&](const auto& package) {
        return package["language"] == name && package["installed"] == true;
    });
}

// A package that was whole but never set up is set up by the next engine, once that serves.
bool runs_soon(const EngineProcess& engine, const std::string& language) {
    for (int i = 0; i < 1000 && !knows(engine, language); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    return runs(engine, language);
}

}  // namespace

TEST_CASE("O49 what a package source gets wrong is said, and nothing of it is left") {
    Shop shop;
    const auto redirect_to = [](const std::string& where) {
        return [where](Line& line, const std::string&) {
            line.answer("302 Found", "", "Location: " + where + "\r\n");
        };
    };
    const auto say = [](const std::string& status) {
        return [status](Line& line, const std::string&) { line.answer(status, "no"); };
    };
    const auto member = [](ArchiveMember odd) { return package("odd", {std::move(odd)}); };
    struct Row {
        std::string name, bytes;
        Shop::Clerk clerk{};
    };
    const Row rows[] = {
        {"other-bytes", package("odd"),
         [](Line& line, const std::string& bytes) {
             line.answer("200 OK", std::string(bytes.size(), 'x'));
         }},
        {"half", package("odd"),
         [](Line& line, const std::string& bytes) {
             line.send("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(bytes.size()) +
                       "\r\n\r\n" + bytes.substr(0, bytes.size() / 2));
         }},
        {"more", package("odd"),
         [](Line& line, const std::string& bytes) { line.answer("200 OK", bytes + "more"); }},
        {"no-archive", "this is no archive"},
        {"half-an-archive", package("odd").substr(0, 100)},
        {"missing", package("odd"), say("404 Not Found")},
        {"forbidden", package("odd"), say("403 Forbidden")},
        {"to-a-file", package("odd"), redirect_to("file:///etc/passwd")},
        {"to-another-scheme", package("odd"), redirect_to("gopher://127.0.0.1:1/x")},
        {"to-nobody", package("odd"), redirect_to("http://127.0.0.1:1/x")},
        {"in-a-circle", package("odd"), redirect_to("/in-a-circle")},
        {"upwards", member({.name = "../../x", .content = "x"})},
        {"absolute", member({.name = "/tmp/crankcase-absolute", .content = "x"})},
        {"linked",
         archive({{.name = "a", .type = '2', .link = "/etc"}, {.name = "a/x", .content = "x"}})},
        {"hard-linked", member({.name = "x", .type = '1', .link = "../../../etc/passwd"})},
        {"device", member({.name = "null", .type = '3'})},
        {"lies-of-its-size", member({.name = "x", .content = "x", .claimed_size = 1ULL << 40})},
    };
    for (const auto& row : rows) shop.add(row.name, row.bytes, row.clerk);
    shop.add("honest", package("honest"));
    const EngineProcess engine{shop.settings()};
    // The root and the index are there before the first count.
    const auto first = install(engine, "honest");
    CAPTURE(first.body);
    REQUIRE(first.status == 200);
    REQUIRE(runs(engine, "honest"));
    const auto before = support::settled_census(engine, runners);
    for (const auto& row : rows) {
        CAPTURE(row.name);
        const auto answer = install(engine, row.name);
        CAPTURE(answer.body);
        CHECK(answer.status >= 400);
        CHECK(answer.json()["message"].is_string());
        CHECK_FALSE(knows(engine, "odd"));
        CHECK(support::changes_since(before, engine) == "");
    }
    CHECK(uninstall(engine, "honest").status == 200);
    CHECK(install(engine, "honest").status == 200);
    CHECK(runs(engine, "honest"));
    CHECK_FALSE(fs::exists("/tmp/crankcase-absolute"));
}

TEST_CASE("O49 a set-id bit of a package is not taken over") {
    Shop shop;
    shop.add("set-id", package("set-id", {{.name = "./su", .content = "x", .mode = 06755}}));
    const EngineProcess engine{shop.settings()};
    REQUIRE(install(engine, "set-id").status == 200);
    int found = 0;
    const auto layers = fs::temp_directory_path() / engine.instance() / "data/layers";
    for (const auto& entry : fs::recursive_directory_iterator{layers}) {
        struct stat status {};
        REQUIRE(::lstat(entry.path().c_str(), &status) == 0);
        CHECK((status.st_mode & 06000) == 0);
        found += entry.path().filename() == "su";
    }
    CHECK(found == 1);
}

TEST_CASE("O49 a download without end holds up no job, and ends with the engine") {
    Shop shop;
    std::atomic<bool> began = false, gone = false;
    shop.add("endless", package("endless"), [&](Line& line, const std::string&) {
        line.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
        while (line.send(std::string(4096, 'x'))) {
            began = true;
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
        gone = true;
    });
    shop.add("honest", package("honest"));
    shop.add("later", package("later"));
    EngineProcess engine{shop.settings()};
    REQUIRE(install(engine, "honest").status == 200);
    HttpClient client{engine.port()};
    client.send(support::post("/api/v2/packages", wanted("endless")));
    const auto comes_true = [](const std::atomic<bool>& condition) {
        for (int i = 0; i < 2000 && !condition; ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        return condition.load();
    };
    REQUIRE(comes_true(began));
    CHECK(runs(engine, "honest"));
    CHECK_FALSE(knows(engine, "endless"));
    CHECK(engine.stop() == 0);
    CHECK(comes_true(gone));
    engine.start();
    CHECK_FALSE(knows(engine, "endless"));
    CHECK(install(engine, "later").status == 200);
    CHECK(runs(engine, "later"));
}

TEST_CASE("O50 of those who install the same at once one does, and a job outlives its package") {
    Shop shop;
    shop.add("honest", package("honest", {{.name = "./late", .content = "still here"}}));
    const EngineProcess engine{shop.settings()};
    std::atomic<int> installed = 0, refused = 0;
    {
        std::vector<std::jthread> clients;
        for (int i = 0; i < 4; ++i) {
            clients.emplace_back(
                [&] { (install(engine, "honest").status == 200 ? installed : refused)++; });
        }
    }
    CHECK(installed == 1);
    CHECK(refused == 3);
    Json result;
    std::jthread client{
        [&] { result = engine.run("honest", "sleep 1; cat \"$HERE/late\"; ls \"$HERE\"")["run"]; }};
    for (int i = 0; i < 1000 && engine.pids_of("sleep").empty(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds{5});
    CHECK(uninstall(engine, "honest").status == 200);
    CHECK_FALSE(knows(engine, "honest"));
    client.join();
    CAPTURE(result.dump());
    CHECK(result["stdout"].get<std::string>().starts_with("still here"));
}

TEST_CASE("O51 an engine killed while it installs has the whole package afterwards, or none") {
    Shop shop;
    std::vector<ArchiveMember> many;
    for (int i = 0; i < 200; ++i)
        many.push_back(
            {.name = "./files/" + std::to_string(i), .content = std::string(20'000, 'x')});
    many.push_back({.name = "./files/last", .content = "last"});
    shop.add("large", package("large", many));
    EngineProcess engine{shop.settings()};
    const auto began = std::chrono::steady_clock::now();
    REQUIRE(install(engine, "large").status == 200);
    const auto whole_time = std::chrono::steady_clock::now() - began;
    REQUIRE(uninstall(engine, "large").status == 200);
    constexpr int rounds = 6;
    for (int round = 0; round < rounds; ++round) {
        CAPTURE(round);
        HttpClient client{engine.port()};
        client.send(support::post("/api/v2/packages", wanted("large")));
        std::this_thread::sleep_for(whole_time * round / rounds);
        engine.kill_hard();
        engine.start();
        if (!is_installed(engine, "large")) continue;
        CHECK(runs_soon(engine, "large"));
        CHECK(uninstall(engine, "large").status == 200);
    }
    CHECK(install(engine, "large").status == 200);
    CHECK(runs(engine, "large"));
    CHECK(uninstall(engine, "large").status == 200);
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}

TEST_CASE("O52 lines of an index that are no packages are passed over") {
    Shop shop;
    shop.add("honest", package("honest"));
    const auto rest = "," + std::string(64, 'a') + ",http://127.0.0.1:1/x";
    const std::string lines[] = {
        "../evil,1.0.0" + rest,
        "/evil,1.0.0" + rest,
        "evil,../../1.0.0" + rest,
        "$(touch /tmp/crankcase-evil),1.0.0" + rest,
        "evil; touch /tmp/crankcase-evil,1.0.0" + rest,
        "evil\x1b[2J,1.0.0" + rest,
        std::string{"evil\0,1.0.0", 11} + rest,
        "evil,1.0.0\r" + rest,
        "evil,,," + rest,
        "evil,1.0.0,notadigest,http://127.0.0.1:1/x",
        "evil,1.0.0," + std::string(64, 'a') + ",gopher://127.0.0.1:1/x",
        std::string(100'000, 'e') + ",1.0.0" + rest,
        "evil",
        ",,,",
    };
    for (const auto& line : lines) shop.add_line(line);
    const EngineProcess engine{shop.settings()};
    const auto listed = engine.get("/api/v2/packages");
    REQUIRE(listed.status == 200);
    CAPTURE(listed.body);
    for (const auto& offer : listed.json()) {
        const auto language = offer["language"].get<std::string>();
        CHECK((language == "honest" || language == "base"));
    }
    for (const std::string name :
         {"../evil", "/evil", "evil", "$(touch /tmp/crankcase-evil)", "", "honest/../evil"}) {
        CAPTURE(name);
        CHECK(install(engine, name).status >= 400);
    }
    CHECK(install(engine, "honest").status == 200);
    CHECK(runs(engine, "honest"));
    CHECK_FALSE(fs::exists("/tmp/crankcase-evil"));
}
