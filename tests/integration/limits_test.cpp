// Each limit trips with its own verdict, is reported, and leaves the neighbour alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <future>

#include "tests/support/engine_process.h"

using support::EngineProcess;
using support::Json;

namespace {

EngineProcess& engine() {
    static EngineProcess shared{{"limits.run.memory=64MiB", "limits.run.disk=8MiB",
                                 "limits.run.disk_entries=200", "limits.run.output=4096",
                                 "limits.run.processes=32", "limits.run.open_files=64",
                                 "limits.run.file_size=1MiB"}};
    return shared;
}

Json run(const std::string& language, const std::string& code, Json more = Json::object()) {
    return engine().run(language, code, std::move(more))["run"];
}

std::string text_of(const Json& stage, const char* key) {
    return stage[key].get<std::string>();
}

}  // namespace

TEST_CASE("a program that sleeps too long is ended on the wall clock, having used no CPU") {
    const auto stage = run("bash", "sleep 10", {{"run_timeout", 1000}});
    CHECK(stage["status"] == "TO");
    CHECK(stage["message"] == "Time limit exceeded (wall clock)");
    CHECK(stage["signal"] == "SIGKILL");
    CHECK(stage["code"].is_null());
    CHECK(stage["wall_time"] >= 1000);
    CHECK(stage["cpu_time"] < 500);  // the start of bash, on a slow machine
}

TEST_CASE(
    "a program that burns too much CPU is ended on the CPU clock, within 20 ms of the limit") {
    // On a busy machine the one that looks may not get the processor in time: then once more.
    double least = 1e9;
    for (int attempt = 0; attempt < 10 && least > 320; ++attempt) {
        const auto stage = run("python", "while True: pass", {{"run_cpu_time", 300}});
        CHECK(stage["status"] == "TO");
        CHECK(stage["message"] == "Time limit exceeded");
        CHECK(stage["cpu_time"] >= 300);
        least = std::min(least, stage["cpu_time"].get<double>());
    }
    CHECK(least <= 320);
}

TEST_CASE("without limits of time a program runs until it ends") {
    const EngineProcess free{{"limits.run.wall_time=unlimited", "limits.run.cpu_time=unlimited",
                              "limits.compile.wall_time=unlimited",
                              "limits.compile.cpu_time=unlimited"}};
    const auto answer = free.run("c",
                                 "#include <time.h>\n#include <stdio.h>\n"
                                 "int main(void) { while (clock() < CLOCKS_PER_SEC / 4) continue; "
                                 "return puts(\"done\") < 0; }");
    CHECK(answer["compile"]["status"].is_null());
    CHECK(answer["run"]["stdout"] == "done\n");
    CHECK(answer["run"]["status"].is_null());
}

TEST_CASE("CPU time is that of all processes together") {
    const auto stage = run("bash", "for i in 1 2 3 4; do (while :; do :; done) & done; wait",
                           {{"run_cpu_time", 400}});
    CHECK(stage["status"] == "TO");
    CHECK(stage["message"] == "Time limit exceeded");
    CHECK(stage["cpu_time"] >= 400);
}

TEST_CASE(
    "memory is resident memory: what is used is limited and named, what is only reserved is not") {
    const auto used = run("python", "x = bytearray(200 * 1024 * 1024)");
    CAPTURE(used.dump());
    CHECK(used["signal"] == "SIGKILL");
    CHECK(text_of(used, "message").find("emory") != std::string::npos);
    CHECK(used["memory"] >= 60 * 1024 * 1024);
    const auto reserved = run("python",
                              "import mmap\nm = mmap.mmap(-1, 1 << 38, flags=mmap.MAP_PRIVATE | "
                              "mmap.MAP_ANONYMOUS | 0x4000)\nprint('ok')");
    CHECK(reserved["stdout"] == "ok\n");
    const auto below = run("python", "x = bytearray(40 * 1024 * 1024)\nprint('ok')");
    CHECK(below["stdout"] == "ok\n");
    CHECK(below["memory"] >= 40 * 1024 * 1024);
}

TEST_CASE("files in the box count as memory") {
    const auto stage = run("python",
                           "import os\nfor i in range(7):\n  open(f'/tmp/{i}', 'wb').write(b'x' * "
                           "1000000)\nx = bytearray(54 * 1024 * 1024)\n");
    CHECK(text_of(stage, "message").find("emory") != std::string::npos);
}

TEST_CASE("a fork bomb stays within its processes and dies with its job") {
    const auto stage = run("bash", ":(){ :|:& };:; sleep 10", {{"run_timeout", 700}});
    CHECK(stage["status"] == "TO");
    const auto threads =
        run("python",
            "import threading, time\nn = 0\ntry:\n  for i in range(100):\n    "
            "threading.Thread(target=time.sleep, args=(9,), daemon=True).start(); n += 1\nexcept "
            "RuntimeError: pass\nprint(n, flush=True)\nimport os; os._exit(0)\n");
    CHECK(threads["stdout"] == "31\n");
}

TEST_CASE("descriptors, file size, total disk and number of files each have their limit") {
    CHECK(run("python",
              "import os\nn = 0\ntry:\n  while True: os.dup(0); n += 1\nexcept OSError as e: "
              "print(n, e.errno)")["stdout"] == "61 24\n");
    CHECK(run("python",
              "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\ntry: open('f', "
              "'wb').write(b'x' * 2000000)\nexcept OSError as e: print(e.errno)")["stdout"] ==
          "27\n");
    CHECK(run("bash", "head -c 2000000 /dev/zero > f")["code"] == 153);
    CHECK(run("python",
              "import os\ntry:\n  for i in range(20): open(f'/tmp/{i}', 'wb').write(b'x' * "
              "900000)\nexcept OSError as e: print(i, e.errno)")["stdout"] == "9 28\n");
    CHECK(run("python",
              "n = 0\ntry:\n  while True: open(f'/dev/shm/{n}', 'w').close(); n += 1\nexcept "
              "OSError as e: print(n > 150, n < 200, e.errno)")["stdout"] == "True True 28\n");
}

TEST_CASE("output is kept up to the limit of each stream, and the rest ends the program") {
    const auto out = run("bash", "yes | head -c 4097; sleep 9");
    CHECK(out["status"] == "OL");
    CHECK(out["message"] == "stdout length exceeded");
    CHECK(text_of(out, "stdout").size() == 4096);
    const auto err = run("bash", "yes | head -c 5000 >&2; sleep 9");
    CHECK(err["status"] == "EL");
    CHECK(err["message"] == "stderr length exceeded");
    const auto exact = run("bash", "yes | head -c 4096");
    CHECK(exact["status"].is_null());
    CHECK(text_of(exact, "stdout").size() == 4096);
    CHECK(run("bash", "yes")["status"] == "OL");
}

TEST_CASE("a limit of one job is not felt by its neighbour") {
    auto neighbour = std::async(std::launch::async, [] {
        return run("python", "import time\nfor i in range(20): time.sleep(0.05)\nprint('done')");
    });
    for (const char* hog :
         {"python3 -c 'x = bytearray(1 << 30)'", ":(){ :|:& };:; sleep 1", "yes"}) {
        run("bash", hog, {{"run_timeout", 500}});
    }
    const auto stage = neighbour.get();
    CHECK(stage["stdout"] == "done\n");
    CHECK(stage["code"] == 0);
}

TEST_CASE("what escapes into the background is dead before the answer, and does not delay it") {
    const auto stage =
        run("bash",
            "(trap '' TERM HUP; setsid sleep 600 <&- >&- 2>&-) & setsid sleep 600 & echo started");
    CHECK(stage["stdout"] == "started\n");
    CHECK(stage["code"] == 0);
    CHECK(engine().pids_of("sleep").empty());
}
