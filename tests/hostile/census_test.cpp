// The count of the host must see what a hostile job might leave: each row leaves it on purpose.
#include "tests/support/census.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/places.h"

namespace {

namespace fs = std::filesystem;

// Some directory beneath the engine's own in whatever hierarchy there is.
std::string group_of(const support::EngineProcess& engine) {
    std::error_code error;
    for (fs::recursive_directory_iterator at{"/sys/fs/cgroup", error}, end; at != end;
         at.increment(error))
        if (at->path().filename() == engine.instance()) return at->path().string();
    return {};
}

}  // namespace

TEST_CASE("what is left behind is counted") {
    const support::EngineProcess engine{{"pool.runners=1", "admission.concurrent_jobs=1"}};
    const auto uid = engine.first_uid() + 7;
    const auto file = "/tmp/" + engine.instance() + "-left";
    const auto group = group_of(engine) + "/left";
    pid_t process = -1;
    int segment = -1;
    std::unique_ptr<support::HttpClient> client;
    struct Row {
        std::string name, seen_as;
        std::function<void()> leave, take_away;
    };
    const Row rows[] = {
        {"a process", "process in a container",
         [&] {
             process = ::fork();
             if (process != 0) return;
             if (::setresuid(uid, uid, uid) == 0)
                 for (;;) ::pause();
             ::_exit(1);
         },
         [&] {
             ::kill(process, SIGKILL);
             ::waitpid(process, nullptr, 0);
         }},
        {"a cgroup", "cgroup", [&] { fs::create_directory(group); }, [&] { fs::remove(group); }},
        {"a file", "file of a container",
         [&] {
             std::ofstream{file} << "x";
             CHECK(::chown(file.c_str(), uid, uid) == 0);
         },
         [&] { fs::remove(file); }},
        {"a file of the engine's", "file of the engine",
         [&] { std::ofstream{"/tmp/" + engine.instance() + "/left"} << "x"; },
         [&] { fs::remove("/tmp/" + engine.instance() + "/left"); }},
        {"a mount", "mount of this namespace",
         [&] {
             const auto place = "/tmp/" + engine.instance();
             CHECK(::mount("left", place.c_str(), "tmpfs", 0, "size=1m") == 0);
         },
         [&] { ::umount2(("/tmp/" + engine.instance()).c_str(), MNT_DETACH); }},
        {"shared memory", "System V shm",
         [&] {
             segment = ::shmget(IPC_PRIVATE, 4096, 0600);
             shmid_ds state{};
             state.shm_perm.uid = uid;
             state.shm_perm.gid = uid;
             state.shm_perm.mode = 0600;
             CHECK(::shmctl(segment, IPC_SET, &state) == 0);
         },
         [&] { ::shmctl(segment, IPC_RMID, nullptr); }},
        {"a descriptor of the daemon's", "descriptor of crankcased",
         [&] {
             client = std::make_unique<support::HttpClient>(engine.port());
             client->send("GET /");
         },
         [&] { client.reset(); }},
    };
    const auto before = support::settled_census(engine, 1);
    for (const auto& row : rows) {
        CAPTURE(row.name);
        row.leave();
        bool seen = false;
        for (int attempt = 0; attempt < 200 && !seen; ++attempt) {
            const auto now = support::take_census(engine);
            for (const auto& [kind, count] : now.counts) {
                const auto found = before.counts.find(kind);
                seen = seen || (kind.starts_with(row.seen_as) &&
                                count > (found == before.counts.end() ? 0 : found->second));
            }
        }
        CHECK(seen);
        row.take_away();
        CHECK(support::changes_since(before, engine) == "");
    }
}

TEST_CASE("a zygote that is there now and was not before is no difference") {
    const support::EngineProcess engine{{"pool.runners=1", "admission.concurrent_jobs=1"}};
    const auto before = support::settled_census(engine, 1);
    for (int job = 0; job < 8; ++job)
        CHECK(engine.run("python", "print(1)")["run"]["stdout"] == "1\n");
    const auto told = engine.get("/metrics").body;
    CHECK((support::places() == 0 || told.find("start=\"fork\"") != told.npos));
    CHECK(support::changes_since(before, engine) == "");
}
