// A running stage takes input, signals and a hold of its output, and leaves nothing of it behind.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "tests/support/local_engine.h"
#include "tests/support/steered_job.h"

using engine::Job;
using engine::JobResult;
using engine::Verdict;
using support::SteeredJob;
using namespace config::literals;

namespace {

// One runner: a job that spoils it would be noticed by the next.
support::LocalEngine& local() {
    static support::LocalEngine shared;
    return shared;
}

engine::Engine& the_engine() {
    return local().engine();
}

Job job(const std::string& program, const std::string& code) {
    Job job;
    job.id = "steered";
    job.runtime = support::plain_runtime(program);
    job.files = {{.name = "main", .content = code}};
    job.limits.run.wall_time = std::chrono::seconds{30};
    job.limits.run.output = 32_MiB;
    return job;
}

Job shell(const std::string& code) {
    return job("/bin/bash", code);
}

Job python(const std::string& code) {
    return job("/usr/bin/python3", code);
}

Job compiled(const std::string& compile, const std::string& run) {
    auto result = shell(run);
    auto runtime = *result.runtime;
    runtime.compile = packages::Script{.argv = {}, .text = compile};
    result.runtime = std::make_shared<const engine::Runtime>(std::move(runtime));
    return result;
}

std::string output_of(const JobResult& result) {
    REQUIRE(result.run.has_value());
    return result.run->output.out;
}

}  // namespace

TEST_CASE("input in pieces reaches a program while it runs") {
    SteeredJob job{the_engine(), shell("while read line; do echo \"got $line\"; done; echo end")};
    job.steering().write("one\ntw");
    CHECK(job.says("got one\n"));
    job.steering().write("o\n");
    CHECK(job.says("got two\n"));
    job.steering().end_input();
    const auto result = job.result();
    CHECK(result.run->passed());
    CHECK(output_of(result) == "got one\ngot two\nend\n");
}

TEST_CASE("the text of a job comes first, and the input goes on behind it") {
    auto text = shell("cat");
    text.stdin_text = "text\n";
    SteeredJob job{the_engine(), std::move(text)};
    CHECK(job.says("text\n"));
    job.steering().write("steered\n");
    job.steering().end_input();
    CHECK(output_of(job.result()) == "text\nsteered\n");
}

TEST_CASE("input may be there, and ended, before the job is") {
    isolate::Steering steering{64_KiB};
    steering.write("early");
    steering.end_input();
    engine::Events nobody;
    const auto result = the_engine().execute(shell("cat"), nobody, {}, &steering);
    CHECK(output_of(result) == "early");
}

TEST_CASE("a program that does not read its input ends as if there were none") {
    SteeredJob job{the_engine(),
                   shell("trap 'exit 3' TERM; echo ready; while :; do sleep 0.02; done")};
    CHECK_FALSE(job.steering().write(std::string(1'000'000, 'x')));
    CHECK(job.says("ready"));
    job.steering().signal(SIGTERM);
    const auto result = job.result();
    CHECK(result.run->exit_code == 3);
    CHECK(job.steering().write("nobody wants this"));
}

TEST_CASE("a program that closes its input gives the room back") {
    std::promise<void> room;
    SteeredJob job{the_engine(), shell("exec <&-; echo closed; exec sleep 60"), 1_KiB,
                   [&room] { room.set_value(); }};
    CHECK(job.says("closed"));
    CHECK_FALSE(job.steering().write(std::string(200'000, 'x')));
    CHECK(room.get_future().wait_for(std::chrono::seconds{20}) == std::future_status::ready);
    CHECK(job.steering().write(std::string(200'000, 'x')));
    job.steering().signal(SIGKILL);
    CHECK(job.result().run->signal == SIGKILL);
}

TEST_CASE("ten megabytes pass through a slow reader in the room given") {
    constexpr std::size_t total = 10'000'000;
    constexpr std::size_t piece = 16'384;
    std::atomic<int> rooms{0};
    SteeredJob job{the_engine(),
                   python("import sys, hashlib\nn = 0\nh = hashlib.md5()\n"
                          "while True:\n  chunk = sys.stdin.buffer.raw.read(20000)\n"
                          "  if not chunk: break\n  n += len(chunk)\n"
                          "  for i in range(20): h.update(chunk)\nprint(n)"),
                   64_KiB, [&rooms] {
                       ++rooms;
                       rooms.notify_all();
                   }};
    int refusals = 0;
    for (std::size_t sent = 0; sent < total;) {
        const auto size = std::min(piece, total - sent);
        sent += size;
        if (job.steering().write(std::string(size, 'x'))) continue;
        rooms.wait(refusals++);
    }
    job.steering().end_input();
    CHECK(output_of(job.result()) == "10000000\n");
    CHECK(refusals > 0);
    CHECK(rooms == refusals);
}

TEST_CASE("held output blocks the program, while its time goes on") {
    auto flood = shell("exec head -c 3000000 /dev/zero");
    flood.limits.run.wall_time = std::chrono::milliseconds{700};
    isolate::Steering steering{64_KiB};
    steering.hold_output(true);
    engine::Events nobody;
    const auto result = the_engine().execute(flood, nobody, {}, &steering);
    CHECK(result.run->verdict == Verdict::wall_timed_out);
    // What a pipe holds was written before it blocked, and is not lost.
    CHECK(output_of(result).size() == 65536);
}

TEST_CASE("held output is all there once it is let go") {
    std::promise<void> heeded;
    SteeredJob job{the_engine(), shell("echo first; read x; exec head -c 3000000 /dev/zero"), 1_B,
                   [&heeded] { heeded.set_value(); }};
    CHECK(job.says("first\n"));
    job.steering().hold_output(true);
    CHECK_FALSE(job.steering().write("go\n"));
    // By now the hold is in force: orders are heeded before input.
    CHECK(heeded.get_future().wait_for(std::chrono::seconds{20}) == std::future_status::ready);
    CHECK(job.events().said() == "first\n");
    job.steering().hold_output(false);
    CHECK(output_of(job.result()).size() == 3'000'006);
}

TEST_CASE("what was written on both streams is there if the program ends while it is held") {
    isolate::Steering steering{64_KiB};
    steering.hold_output(true);
    engine::Events nobody;
    const auto result =
        the_engine().execute(shell("echo last; echo words >&2"), nobody, {}, &steering);
    CHECK(result.run->passed());
    CHECK(result.run->output.out == "last\n");
    CHECK(result.run->output.err == "words\n");
}

TEST_CASE("a signal reaches a shell's trap, its children, and who left its session") {
    SteeredJob job{the_engine(),
                   shell("trap 'echo shell' TERM\n"
                         "wait_for_it() { trap \"echo $1; exit\" TERM; echo ready $1; "
                         "while :; do sleep 0.02; done; }\n"
                         "export -f wait_for_it\n"
                         "wait_for_it child & setsid bash -c 'wait_for_it stranger' &\n"
                         "wait; wait; wait; echo end")};
    CHECK(job.says("ready child\n"));
    CHECK(job.says("ready stranger\n"));
    job.steering().signal(SIGTERM);
    const auto result = job.result();
    for (const std::string word : {"shell\n", "child\n", "stranger\n", "end\n"}) {
        CAPTURE(word);
        CHECK(output_of(result).find("\n" + word) != std::string::npos);
    }
    CHECK(result.run->passed());
}

TEST_CASE("SIGINT interrupts a python program") {
    SteeredJob job{the_engine(),
                   // In short sleeps: one that comes on the way into the system call ends no sleep.
                   python("import time\ntry:\n  print('ready', flush=True)\n"
                          "  while True: time.sleep(0.01)\n"
                          "except KeyboardInterrupt: print('interrupted')")};
    CHECK(job.says("ready\n"));
    job.steering().signal(SIGINT);
    CHECK(output_of(job.result()) == "ready\ninterrupted\n");
}

TEST_CASE("a signal that kills is the program's end, whatever its number") {
    for (const int number : {SIGKILL, SIGTERM, SIGUSR2, 34, 64}) {
        CAPTURE(number);
        SteeredJob job{the_engine(), shell("echo ready; exec sleep 60")};
        CHECK(job.says("ready\n"));
        job.steering().signal(number);
        const auto result = job.result();
        CHECK(result.run->verdict == Verdict::signaled);
        CHECK(result.run->signal == number);
    }
}

TEST_CASE("a stopped program can be continued") {
    SteeredJob job{the_engine(), shell("echo ready; while read x; do echo got $x; done")};
    CHECK(job.says("ready\n"));
    job.steering().signal(SIGSTOP);
    job.steering().signal(SIGCONT);
    job.steering().write("on\n");
    CHECK(job.says("got on\n"));
    job.steering().end_input();
    CHECK(job.result().run->passed());
}

TEST_CASE("a stopped program is ended by its time and by whoever stops the job") {
    // Were it not stopped, it would have used up its CPU time first.
    auto limited = shell("echo ready; while :; do :; done");
    limited.limits.run.cpu_time = std::chrono::milliseconds{1000};
    limited.limits.run.wall_time = std::chrono::milliseconds{2000};
    SteeredJob timed{the_engine(), std::move(limited)};
    CHECK(timed.says("ready\n"));
    timed.steering().signal(SIGSTOP);
    CHECK(timed.result().run->verdict == Verdict::wall_timed_out);

    SteeredJob stopped{the_engine(), shell("echo ready; exec sleep 60")};
    CHECK(stopped.says("ready\n"));
    stopped.steering().signal(SIGSTOP);
    stopped.stop();
    CHECK(stopped.result().run->verdict == Verdict::canceled);
}

TEST_CASE("a program starts with no signal blocked or ignored") {
    engine::Events nobody;
    isolate::Steering steering{64_KiB};
    const auto result = the_engine().execute(
        shell("grep -E '^Sig(Blk|Ign|Pnd)' /proc/self/status | cut -f2 | tr '\\n' ' '"), nobody, {},
        &steering);
    CHECK(output_of(result) == "0000000000000000 0000000000000000 0000000000000000 ");
}

TEST_CASE("signals reach the compiler, and input waits for the program") {
    SteeredJob stopped{the_engine(), compiled("trap 'echo stopped; exit 1' TERM; echo compiling; "
                                              "while :; do sleep 0.02; done",
                                              "echo never")};
    CHECK(stopped.says("compiling\n"));
    stopped.steering().signal(SIGTERM);
    const auto failed = stopped.result();
    CHECK(failed.compile->exit_code == 1);
    CHECK(failed.compile->output.out == "compiling\nstopped\n");
    CHECK_FALSE(failed.run.has_value());

    SteeredJob fed{the_engine(), compiled("cat; echo compiled", "cat")};
    fed.steering().write("input");
    fed.steering().end_input();
    const auto result = fed.result();
    CHECK(result.compile->output.out == "compiled\n");
    CHECK(output_of(result) == "input");
    CHECK(fed.events().told() == std::vector<std::string>{"started plain", "stage compile",
                                                          "output compile", "end compile",
                                                          "stage run", "output run", "end run"});
}

TEST_CASE("steering after the end, or beyond what signals there are, harms nobody") {
    const auto serial = local().serial_of_next();
    SteeredJob job{the_engine(), shell("read x; echo end")};
    for (const int number : {0, -1, 65, 1 << 20}) job.steering().signal(number);
    job.steering().write("\n");
    CHECK(job.says("end"));
    // Some of these come while the stage ends, some after it.
    for (int i = 0; i < 200; ++i) job.steering().signal(SIGKILL);
    job.result();
    job.steering().signal(SIGKILL);
    job.steering().end_input();
    job.steering().hold_output(true);
    SteeredJob next{the_engine(), shell("echo unharmed")};
    CHECK(output_of(next.result()) == "unharmed\n");
    CHECK(local().serial_of_next() == serial);
}

TEST_CASE("a job that floods its PID 1 with orders ends by its limits and harms itself only") {
    const auto serial = local().serial_of_next();
    auto flood = python(
        "import ctypes, os\nc = ctypes.CDLL(None)\nprint('ready', flush=True)\n"
        "pids = [os.fork() for i in range(3)]\nwhile True:\n"
        "  for value in (0, 65, -1, 1 << 30, 1 << 40, 0):\n"
        "    c.sigqueue(1, 64, ctypes.c_void_p(value))\n  os.kill(1, 64)\n");
    flood.limits.run.wall_time = std::chrono::milliseconds{1000};
    SteeredJob job{the_engine(), std::move(flood)};
    CHECK(job.says("ready\n"));
    for (int i = 0; i < 1000; ++i) job.steering().signal(SIGURG);
    CHECK(job.result().run->verdict == Verdict::wall_timed_out);

    SteeredJob suicide{the_engine(),
                       python("import ctypes, time\n"
                              "ctypes.CDLL(None).sigqueue(1, 64, ctypes.c_void_p(9))\n"
                              "time.sleep(60)")};
    CHECK(suicide.result().run->signal == SIGKILL);
    CHECK(local().serial_of_next() == serial);
    SteeredJob next{the_engine(), shell("echo unharmed")};
    CHECK(output_of(next.result()) == "unharmed\n");
}

TEST_CASE("the output of a job that keeps none is told, and in no result") {
    auto job = shell("echo out; echo err >&2");
    job.keep_output = false;
    support::Recorder recorder;
    const auto result = the_engine().execute(job, recorder, {});
    CHECK(result.run->passed());
    CHECK(result.run->output.out.empty());
    CHECK(result.run->output.err.empty());
    CHECK(result.run->output.both.empty());
    CHECK(recorder.said().size() == 8);
    CHECK(recorder.told() ==
          std::vector<std::string>{"started plain", "stage run", "output run", "end run"});
}

TEST_CASE("of a job whose files cannot be placed nothing is told") {
    auto job = shell("echo never");
    job.files.push_back({.name = "main/impossible", .content = "x"});
    support::Recorder recorder;
    CHECK_THROWS_AS(the_engine().execute(job, recorder, {}), sys::Error);
    CHECK(recorder.told().empty());
}
