// Jobs do not see each other, and see little of the host.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/engine_process.h"

using support::EngineProcess;

namespace {

// One runner only: every job follows the one before in the same container.
EngineProcess& engine() {
    static EngineProcess shared{{"pool.runners=1", "admission.concurrent_jobs=1"}};
    return shared;
}

std::string output(const std::string& language, const std::string& code) {
    return engine().run(language, code)["run"]["output"].get<std::string>();
}

}  // namespace

TEST_CASE("nothing of a job is there for the next one on the same runner") {
    const std::string look =
        "ls -A /tmp /dev/shm /box/submission; ipcs -ms | grep -c 0x; ps 2>/dev/null | grep -c "
        "sleep; grep -c @left /proc/net/unix";
    const auto fresh = output("bash", look);
    output("python",
           "import os, socket, subprocess, ctypes\n"
           "for d in ('/tmp', '/dev/shm', '.'): open(d + '/left', 'w').write('secret')\n"
           "s = socket.socket(socket.AF_UNIX); s.bind('\\0left'); s.listen()\n"
           "ctypes.CDLL(None).shmget(0x1234, 4096, 0o1666)\n"
           "subprocess.Popen(['setsid', 'sleep', '600'])\n");
    CHECK(output("bash", look) == fresh);
}

TEST_CASE("a job is nobody: no capability, no way to get one, a filter, a uid of its own") {
    const auto status =
        output("bash", "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status; id -u; id -G");
    CHECK(status.find("CapEff:\t0000000000000000") != std::string::npos);
    CHECK(status.find("CapBnd:\t0000000000000000") != std::string::npos);
    CHECK(status.find("CapAmb:\t0000000000000000") != std::string::npos);
    CHECK(status.find("NoNewPrivs:\t1") != std::string::npos);
    CHECK(status.find("Seccomp:\t2") != std::string::npos);
    CHECK(output("bash", "id -u") != output("bash", "id -u"));
}

TEST_CASE("a job has three descriptors, one process tree, and five devices") {
    CHECK(output("python", "import os\nprint(sorted(os.listdir('/proc/self/fd')))") ==
          "['0', '1', '2', '3']\n");
    CHECK(output("bash", "cd /proc; echo [0-9]*") == "1 2\n");
    CHECK(output("bash", "cd /dev; echo *") ==
          "fd full null random shm stderr stdin stdout urandom zero\n");
}

TEST_CASE("a job reaches no network but its own loopback device") {
    CHECK(output("python",
                 "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 2)\nexcept "
                 "OSError as e: print(e.errno)") == "101\n");
    CHECK(output("python",
                 "import socket\ns = socket.create_server(('127.0.0.1', 0))\nc = "
                 "socket.create_connection(s.getsockname())\nprint('ok')") == "ok\n");
    CHECK(output("bash", "cut -d: -f1 /proc/net/dev | tail -n +3 | tr -d ' '") == "lo\n");
}

TEST_CASE("a job opens its standard streams by their names") {
    support::EngineProcess engine;
    const auto run = engine.run(
        "bash", "cat /dev/stdin; echo out >/dev/stdout; echo err >/dev/stderr", {{"stdin", "in"}});
    CHECK(run["run"]["stdout"] == "in\nout\n");
    CHECK(run["run"]["stderr"] == "err\n");
}

TEST_CASE("a job can write nowhere but in its box") {
    const auto writable =
        output("bash",
               "for d in / /usr /etc /dev /proc /box /crankcase /usr/bin /etc/ssl; do touch "
               "$d/x 2>/dev/null && echo $d; done; echo end");
    CHECK(writable == "end\n");
    CHECK(output("bash",
                 "cat /proc/self/oom_score_adj; (echo 0 >/proc/self/oom_score_adj) 2>/dev/null; "
                 "cat /proc/self/oom_score_adj") == "1000\n1000\n");
    CHECK(output("bash", "for d in . /tmp /dev/shm; do touch $d/x && echo $d; done") ==
          ".\n/tmp\n/dev/shm\n");
    CHECK(output("bash",
                 "cat /etc/shadow /root/.bashrc /proc/1/environ /proc/kcore 2>/dev/null | wc -c") ==
          "0\n");
}

TEST_CASE("a job cannot change the scripts and files that started it before they run") {
    CHECK(output("bash", "ls -ld /box | cut -c1-10; ls -ld /box/submission | cut -c1-10") ==
          "drwxr-xr-x\ndrwx------\n");
}

TEST_CASE("200 jobs, 16 at a time, each get their own answer") {
    EngineProcess crowd{{"admission.queued_jobs=300"}};
    std::atomic<int> next{0};
    std::atomic<int> right{0};
    std::vector<std::jthread> clients;
    clients.reserve(16);
    for (int i = 0; i < 16; ++i) {
        clients.emplace_back([&] {
            for (int n = 0; (n = next++) < 200;) {
                const auto nonce = std::to_string(n * 7919 + 13);
                const auto answer =
                    crowd.run("bash", "read x; echo $x $1", {{"stdin", nonce}, {"args", {nonce}}});
                right += answer["run"]["stdout"] == nonce + " " + nonce + "\n";
            }
        });
    }
    clients.clear();
    CHECK(right == 200);
}
