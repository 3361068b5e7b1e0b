// Memory runs short around a running engine: jobs die and clients are let go, the engine stays.
#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "isolate/sys/error.h"
#include "isolate/sys/file.h"
#include "tests/support/engine_process.h"
#include "tests/support/http_client.h"
#include "tests/support/pace.h"

using support::EngineProcess;
using support::Json;
using namespace std::chrono_literals;

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t mebibyte = 1 << 20;

// A memory cgroup of the test's own, with a leaf for the engine's processes; the jobs' groups go
// beside that. Of v1 or v2. Gone with this value, in every hierarchy.
class MemoryGroup {
public:
    MemoryGroup() {
        fs::create_directories(path() + "/daemons");
        if (is_v2_) sys::try_write_file(hierarchy_ + "/cgroup.subtree_control", "+memory");
    }
    MemoryGroup(const MemoryGroup&) = delete;
    MemoryGroup& operator=(const MemoryGroup&) = delete;
    ~MemoryGroup() {
        leave();
        std::vector<std::string> hierarchies{"/sys/fs/cgroup"};
        for (const auto& entry : fs::directory_iterator{"/sys/fs/cgroup"})
            if (entry.is_directory()) hierarchies.push_back(entry.path());
        for (const auto& hierarchy : hierarchies)
            for (const auto* leaf : {"/daemons", ""})
                ::rmdir((hierarchy + "/" + name_ + leaf).c_str());
    }

    // Of pool.cgroup.
    std::string setting() const { return "pool.cgroup=/" + name_; }

    // This process, and what it starts until leave().
    void enter() const { move_to(path() + "/daemons"); }
    void leave() const { move_to(hierarchy_ + before_); }

    // So many bytes more than are in use now.
    void leave_room(std::uint64_t bytes) const {
        const auto used = std::stoull(
            sys::read_file(path() + (is_v2_ ? "/memory.current" : "/memory.usage_in_bytes")));
        sys::write_file(limit_file(), std::to_string(used + bytes));
    }
    void leave_all() const { sys::write_file(limit_file(), is_v2_ ? "max" : "-1"); }

private:
    std::string path() const { return hierarchy_ + "/" + name_; }
    std::string limit_file() const {
        return path() + (is_v2_ ? "/memory.max" : "/memory.limit_in_bytes");
    }
    void move_to(const std::string& group) const {
        sys::write_file(group + "/cgroup.procs", std::to_string(::getpid()));
    }
    std::string own_group() const {
        std::istringstream lines{sys::read_file("/proc/self/cgroup")};
        for (std::string line; std::getline(lines, line);) {
            const auto second = line.find(':', line.find(':') + 1);
            const auto controllers = line.substr(0, second);
            if (controllers.ends_with(is_v2_ ? "0:" : ":memory")) return line.substr(second + 1);
        }
        return "/";
    }

    const bool is_v2_ = fs::exists("/sys/fs/cgroup/cgroup.controllers");
    const std::string hierarchy_ = is_v2_ ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    const std::string name_ = "ckmemory" + std::to_string(::getpid());
    const std::string before_ = own_group();
};

std::string request(const std::string& code) {
    return Json{{"language", "bash"}, {"version", "*"}, {"files", {{{"content", code}}}}}.dump();
}

bool sings(const EngineProcess& engine) {
    const auto answer = engine.post("/api/v2/execute", request("echo sings"));
    return answer.status == 200 && answer.json()["run"]["stdout"] == "sings\n";
}

bool soon_sings(const EngineProcess& engine) {
    const auto give_up = Clock::now() + support::patiently(20s);
    while (!sings(engine)) {
        if (Clock::now() > give_up) return false;
        std::this_thread::sleep_for(20ms);
    }
    return true;
}

// The pids of guard, keeper and server: the same ones have lived on.
std::vector<pid_t> daemons_of(const EngineProcess& engine) {
    std::vector<pid_t> pids{engine.pid()};
    for (const std::string kind : {"keeper", "server"})
        for (const auto pid : engine.pids_of(kind)) pids.push_back(pid);
    return pids;
}

}  // namespace

TEST_CASE("jobs that want all the memory there is die of it, and the engine goes on") {
    MemoryGroup group;
    // A job may have more than there is.
    EngineProcess engine{EngineProcess::Start::when_told,
                         {group.setting(), "limits.run.memory=2GiB", "limits.run.wall_time=1m"}};
    group.enter();
    engine.start();
    group.leave();
    REQUIRE(sings(engine));
    const auto daemons = daemons_of(engine);
    REQUIRE(daemons.size() == 3);
    group.leave_room(150 * mebibyte);

    std::atomic<int> died{0}, refused{0}, other{0};
    {
        std::vector<std::jthread> clients;
        for (int i = 0; i < 8; ++i) {
            clients.emplace_back([&] {
                // What has no line in it tail keeps as a whole.
                const auto answer = engine.post(
                    "/api/v2/execute",
                    request("head -c 400m /dev/zero | tail >/dev/null; exit ${PIPESTATUS[1]}"));
                const auto json = answer.json();
                const bool ended =
                    answer.status == 200 && json.contains("run") && json["run"].contains("code");
                if (answer.status == 429 || answer.status == 503)
                    ++refused;
                else if (ended && json["run"]["code"] != 0)
                    ++died;
                else
                    ++other;
            });
        }
    }
    CHECK(other == 0);
    CHECK(died > 0);
    MESSAGE(died.load(), " died, ", refused.load(), " refused");
    CHECK(daemons_of(engine) == daemons);
    CHECK(soon_sings(engine));  // in what little there is
    group.leave_all();
    CHECK(soon_sings(engine));
    CHECK(daemons_of(engine) == daemons);
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}

TEST_CASE("answers that nobody takes are given up before the engine dies of them") {
    MemoryGroup group;
    EngineProcess engine{EngineProcess::Start::when_told,
                         {"limits.run.output=8MiB", "limits.run.wall_time=1m",
                          "server.write_buffer=32MiB", "admission.queued_jobs=30"}};
    group.enter();
    engine.start();
    group.leave();
    REQUIRE(sings(engine));
    const auto daemons = daemons_of(engine);
    // The engine's processes alone: the jobs' groups are elsewhere. All the answers would be 600
    // MiB. On cgroup v2 what the kernel holds for their sockets counts as well: 1 MiB each.
    group.leave_room(384 * mebibyte);

    const auto flood = request("head -c 6000000 /dev/zero | tr '\\0' x");
    std::vector<support::HttpClient> clients;
    for (int i = 0; i < 60; ++i) {
        auto& client = clients.emplace_back(engine.port(), "127.0.0.1", 8192);
        client.patience = support::patiently(60s);
        client.send(support::post("/api/v2/execute", flood, "Connection: close\r\n"));
    }
    int refused = 0, answered = 0;
    for (auto& client : clients) {
        // The beginning of an answer, or a connection that was cut, and nothing more is read.
        if (client.has_bytes()) ++answered;
    }
    CHECK(answered == 60);
    CHECK(soon_sings(engine));
    for (auto& client : clients) {
        const auto head = client.read_beginning();
        if (head.starts_with("HTTP/1.1 429") || head.starts_with("HTTP/1.1 503")) ++refused;
    }
    CHECK(refused > 0);
    CHECK(engine.wait_for_log("slow_reader_dropped", 1));
    CHECK(daemons_of(engine) == daemons);
    clients.clear();
    CHECK(soon_sings(engine));
    CHECK(daemons_of(engine) == daemons);
    CHECK(engine.stop() == 0);
    CHECK(engine.left_behind() == "");
}
