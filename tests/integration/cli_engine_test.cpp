// `crankcase` beside a running engine: keys made, listed and revoked, and everything over a socket.
#include <doctest/doctest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "isolate/sys/file.h"
#include "tests/support/engine_process.h"
#include "tests/support/tool_process.h"

namespace {

using support::EngineProcess;
using support::run_tool;
using support::ToolPlace;
using support::ToolResult;

using Words = std::vector<std::string>;

// The keys of one file, by the tool; the user is that of the tests' engines.
struct Keys {
    std::string file;

    ToolResult operator()(const std::string& verb, const Words& rest = {}) const {
        Words words{"--set", "user=nobody", "key", verb, "--file", file};
        words.insert(words.end(), rest.begin(), rest.end());
        return run_tool(words);
    }
};

std::string first_line(const std::string& text) {
    return text.substr(0, text.find('\n'));
}

struct stat status_of(const std::string& file) {
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    return status;
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

void reload(const EngineProcess& engine, int times) {
    ::kill(engine.pid(), SIGHUP);
    REQUIRE(engine.wait_for_log("reloaded", times));
}

}  // namespace

TEST_CASE("a key is shown once, its file is the engine's alone, and says nothing of it") {
    const ToolPlace place;
    const Keys keys{place.path + "/keys"};
    const auto made = keys("create", {"alice", "--rate", "10/s", "--burst", "20"});
    REQUIRE(made.code == 0);
    const auto key = first_line(made.out);
    CHECK(key.starts_with("ck_"));
    CHECK(made.out == key + "\n");
    CHECK_FALSE(contains(made.err, key));
    const auto* user = ::getpwnam("nobody");
    REQUIRE(user != nullptr);
    CHECK((status_of(keys.file).st_mode & 07777) == 0600);
    CHECK(status_of(keys.file).st_uid == user->pw_uid);
    CHECK_FALSE(contains(sys::read_file(keys.file), key));

    REQUIRE(keys("create", {"bob", "--scopes", "install"}).code == 0);
    const auto listed = keys("list");
    CHECK(listed.code == 0);
    CHECK(contains(listed.out, "alice  run"));
    CHECK(contains(listed.out, "bob    install"));
    CHECK_FALSE(contains(listed.out, key));
    const auto json = support::Json::parse(keys("list", {"--json"}).out);
    REQUIRE(json.size() == 2);
    CHECK(json[0]["name"] == "alice");
    CHECK(json[1]["scopes"] == "install");

    CHECK(keys("create", {"alice"}).code == 2);
    CHECK(keys("create", {"no name"}).code == 2);
    CHECK(keys("revoke", {"carol"}).code == 3);
    CHECK(first_line(keys("create", {"dora"}).out) != key);
}

TEST_CASE("a file of keys keeps the owner and the mode that somebody gave it") {
    const ToolPlace place;
    const Keys keys{place.file("keys", "")};
    REQUIRE(::chmod(keys.file.c_str(), 0640) == 0);
    REQUIRE(keys("create", {"alice"}).code == 0);
    CHECK((status_of(keys.file).st_mode & 07777) == 0640);
    CHECK(status_of(keys.file).st_uid == 0);
    REQUIRE(keys("revoke", {"alice"}).code == 0);
    CHECK((status_of(keys.file).st_mode & 07777) == 0640);
    CHECK(sys::read_file(keys.file).empty());
}

TEST_CASE("a running engine takes new keys when it is told to, and revoked ones no more") {
    const ToolPlace place;
    const Keys keys{place.path + "/keys"};
    const auto alice = first_line(keys("create", {"alice"}).out);
    REQUIRE(alice.starts_with("ck_"));
    const EngineProcess engine({"keys.file=" + keys.file});
    CHECK(engine.status_with_key(alice) == 200);
    const auto bob = first_line(keys("create", {"bob"}).out);
    CHECK(engine.status_with_key(bob) == 401);
    reload(engine, 1);
    CHECK(engine.status_with_key(bob) == 200);
    REQUIRE(keys("revoke", {"alice"}).code == 0);
    CHECK(engine.status_with_key(alice) == 200);
    reload(engine, 2);
    CHECK(engine.status_with_key(alice) == 401);
    CHECK(engine.status_with_key(bob) == 200);
}

TEST_CASE("over a Unix socket the tool runs programs and lists runtimes as over a port") {
    const ToolPlace place;
    const auto socket = place.path + "/api.sock";
    const EngineProcess engine({"server.socket=" + socket});
    const auto over_socket = "unix:" + socket;
    const auto over_port = "http://127.0.0.1:" + std::to_string(engine.port());
    const auto file = place.file("a.sh", "read -r name; echo \"$name $1\"; exit 3");

    // Root's tool works as the engine's user, whose socket it is, and has no use for packages.
    const auto data = place.path + "/data";
    const auto tool = [&](const std::string& url, const Words& rest, std::string_view input = {}) {
        Words words{"--set", "user=nobody", "--set", "paths.data_directory=" + data, "--url", url};
        words.insert(words.end(), rest.begin(), rest.end());
        return run_tool(words, input);
    };
    for (const auto& url : {over_socket, over_port}) {
        CAPTURE(url);
        const auto ran = tool(url, {"run", "-i", "bash", file, "one"}, "Ada\n");
        CAPTURE(ran.err);
        CHECK(ran.code == 3);
        CHECK(ran.out == "Ada one\n");
        const auto talked = tool(url, {"run", "-t", "bash", file, "two"}, "Bob\n");
        CAPTURE(talked.err);
        CHECK(talked.code == 3);
        CHECK(talked.out == "Bob two\n");
    }
    const auto there = tool(over_socket, {"runtimes"});
    CHECK(there.code == 0);
    CHECK(contains(there.out, "bash"));
    CHECK(there.out == tool(over_port, {"runtimes"}).out);
    CHECK_FALSE(std::filesystem::exists(data));

    const auto nowhere = tool(over_socket + "-not", {"runtimes"});
    CHECK(nowhere.code == 1);
    CHECK(contains(nowhere.err, "no engine answers at unix:"));
}
