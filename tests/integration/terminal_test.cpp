// A job on a terminal: it looks like one from within, obeys like one, and opens nothing else.
#include <doctest/doctest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <thread>

#include "tests/support/local_engine.h"
#include "tests/support/steered_job.h"

using engine::Job;
using engine::JobResult;
using engine::Verdict;
using support::SteeredJob;
using namespace config::literals;

namespace {

support::LocalEngine& local() {
    static support::LocalEngine shared;
    return shared;
}

engine::Engine& the_engine() {
    return local().engine();
}

Job on_terminal(const std::string& program, const std::string& code) {
    Job job;
    job.id = "terminal";
    job.runtime = support::plain_runtime(program);
    job.files = {{.name = "main", .content = code}};
    job.limits.run.wall_time = std::chrono::seconds{30};
    job.terminal = isolate::WindowSize{.rows = 24, .columns = 80};
    return job;
}

Job shell(const std::string& code) {
    return on_terminal("/bin/bash", code);
}

Job python(const std::string& code) {
    return on_terminal("/usr/bin/python3", code);
}

std::string output_of(const JobResult& result) {
    REQUIRE(result.run.has_value());
    CHECK(result.run->output.err.empty());
    return result.run->output.out;
}

std::string run(const Job& job) {
    engine::Events nobody;
    return output_of(the_engine().execute(job, nobody, {}));
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"})
        ++count;
    return count;
}

}  // namespace

TEST_CASE("all three streams of a job on a terminal are that terminal, of the size asked for") {
    CHECK(run(python("import os\nprint([os.isatty(fd) for fd in range(3)], os.getpid() > 1)")) ==
          "[True, True, True] True\r\n");
    auto wide = shell("stty size; echo $TERM");
    wide.terminal = isolate::WindowSize{.rows = 50, .columns = 132};
    CHECK(run(wide) == "50 132\r\nxterm-256color\r\n");
    auto pipes = shell("test -t 0 -o -t 1 -o -t 2 || echo pipes ${TERM:-none}");
    pipes.terminal.reset();
    CHECK(run(pipes) == "pipes dumb\n");
}

TEST_CASE("both output streams of a terminal arrive in the order in which they were written") {
    std::string expected;
    for (int i = 1; i <= 200; ++i)
        expected += "o" + std::to_string(i) + "\r\ne" + std::to_string(i) + "\r\n";
    CHECK(run(shell("for i in {1..200}; do echo o$i; echo e$i >&2; done")) == expected);
}

TEST_CASE("a resized window is told to the program") {
    // Not print: a handler that interrupts one must not enter it again.
    SteeredJob job{the_engine(),
                   python("import os, signal, time\ndef tell(*_): os.write(1, b'%d %d\\n' % "
                          "tuple(os.get_terminal_size()))\nsignal.signal(signal.SIGWINCH, tell)\n"
                          "os.write(1, b'ready\\n')\nwhile True: time.sleep(0.02)")};
    CHECK(job.says("ready"));
    job.steering().resize({.rows = 40, .columns = 100});
    CHECK(job.says("100 40\r\n"));
    job.steering().resize({.rows = 41, .columns = 101});
    CHECK(job.says("101 41\r\n"));
    job.steering().signal(SIGKILL);
    CHECK(job.result().run->signal == SIGKILL);
}

TEST_CASE("a size given before the job starts is the one it starts with") {
    isolate::Steering steering{64_KiB};
    steering.resize({.rows = 12, .columns = 34});
    steering.write("go\n");
    engine::Events nobody;
    const auto result = the_engine().execute(shell("read x; stty size"), nobody, {}, &steering);
    CHECK(output_of(result) == "go\r\n12 34\r\n");
}

TEST_CASE("^C interrupts, ^Z stops nobody, and ^\\ quits") {
    SteeredJob interrupted{
        // In short sleeps: one that comes on the way into the system call ends no sleep.
        the_engine(), python("import time\ntry:\n  print('ready', flush=True)\n"
                             "  while True: time.sleep(0.01)\n"
                             "except KeyboardInterrupt: print('interrupted')")};
    CHECK(interrupted.says("ready"));
    interrupted.steering().write("\x03");
    CHECK(output_of(interrupted.result()) == "ready\r\n^Cinterrupted\r\n");

    SteeredJob going{the_engine(), shell("echo ready; exec cat")};
    CHECK(going.says("ready"));
    going.steering().write("\x1a");
    going.steering().write("on\n");
    CHECK(going.says("on\r\non\r\n"));
    going.steering().write("\x1c");
    CHECK(going.result().run->signal == SIGQUIT);
}

TEST_CASE("the end of input ends a reader, after a whole line and in the middle of one") {
    SteeredJob whole{the_engine(), shell("cat")};
    whole.steering().write("line\n");
    CHECK(whole.says("line\r\nline\r\n"));
    whole.steering().end_input();
    CHECK(whole.result().run->passed());

    SteeredJob open{the_engine(), shell("stty -echo; echo ready; cat; echo .")};
    CHECK(open.says("ready"));
    open.steering().write("open");
    open.steering().end_input();
    CHECK(output_of(open.result()) == "ready\r\nopen.\r\n");

    SteeredJob typed{the_engine(), shell("cat; cat")};
    typed.steering().write("\x04\x04");
    CHECK(typed.result().run->passed());
}

TEST_CASE("the text of a job without a steering is typed, and then ended") {
    auto job = shell("stty -echo; cat");
    job.stdin_text = "text";
    const auto said = run(job);
    CHECK(said.ends_with("text"));
}

TEST_CASE("a terminal in raw mode passes every byte, as fast as the program reads") {
    SteeredJob job{the_engine(),
                   python("import hashlib, os, tty\ntty.setraw(0)\nos.write(1, b'ready')\n"
                          "n, h = 0, hashlib.sha256()\nwhile n < 256 * 1000:\n"
                          "  chunk = os.read(0, 700); n += len(chunk); h.update(chunk)\n"
                          "os.write(1, h.hexdigest().encode())")};
    CHECK(job.says("ready"));
    std::string bytes;
    for (int i = 0; i < 256 * 1000; ++i) bytes.push_back(static_cast<char>(i));
    job.steering().write(bytes);
    // sha256 of the bytes 0 to 255, a thousand times.
    CHECK(output_of(job.result()) ==
          "ready"
          "b57b64b198d5d59ce5a22a9b9f25e72a7d081476d432051aa923f3dbebb90934");
}

TEST_CASE("much output through a terminal arrives whole, held or not") {
    std::promise<void> heeded;
    SteeredJob job{the_engine(), shell("echo first; read x; seq 1 50000"), 1_B,
                   [&heeded] { heeded.set_value(); }};
    CHECK(job.says("first\r\n"));
    job.steering().hold_output(true);
    CHECK_FALSE(job.steering().write("go\n"));
    // By now the hold is in force: orders are heeded before input.
    CHECK(heeded.get_future().wait_for(std::chrono::seconds{20}) == std::future_status::ready);
    CHECK(job.events().said() == "first\r\n");
    job.steering().hold_output(false);
    const auto said = output_of(job.result());
    CHECK(said.size() == std::string{"first\r\ngo\r\n"}.size() + 288'894 + 50'000);
    CHECK(said.ends_with("\r\n50000\r\n"));

    isolate::Steering held{64_KiB};
    held.hold_output(true);
    engine::Events nobody;
    CHECK(output_of(the_engine().execute(shell("echo last words"), nobody, {}, &held)) ==
          "last words\r\n");
}

TEST_CASE("a shell with job control works as on any terminal") {
    auto interactive = on_terminal("/bin/bash", "");
    interactive.files = {{.name = "-i", .content = ""}};
    interactive.arguments = {};
    SteeredJob job{the_engine(), std::move(interactive)};
    job.steering().write("sh -c 'echo $((50 + 1)); exec sleep 60'\n");
    CHECK(job.says("51\r\n"));
    job.steering().write("\x1a");
    CHECK(job.says("Stopped"));
    job.steering().write("kill %1; wait; echo $((6 * 7))\n");
    CHECK(job.says("42\r\n"));
    job.steering().end_input();
    job.result();
}

TEST_CASE("a terminal gives a job nothing to open and nobody to type for") {
    CHECK(run(python("import fcntl, os, termios\n"
                     "for request in (termios.TIOCSTI, 0x541c, 0x5423, termios.TIOCCONS):\n"
                     "  try: fcntl.ioctl(0, request, b'x'); print('done')\n"
                     "  except OSError as error: print(error.errno)\n"
                     "for path in ('/dev/tty', '/dev/ptmx', '/dev/pts/0', '/dev/pts'):\n"
                     "  print(os.path.exists(path))\n"
                     "try: os.openpty(); print('opened')\nexcept OSError: print('none')\n"
                     "try: open('/dev/stdin'); print('opened')\nexcept OSError: print('none')")) ==
          "1\r\n1\r\n1\r\n1\r\nFalse\r\nFalse\r\nFalse\r\nFalse\r\nnone\r\nnone\r\n");
}

TEST_CASE("what a job leaves in the background does not keep its terminal open") {
    engine::Events nobody;
    const auto result = the_engine().execute(
        shell("trap '' HUP; sleep 600 & setsid sleep 600 & echo started"), nobody, {});
    CHECK(result.run->verdict == Verdict::passed);
    CHECK(output_of(result) == "started\r\n");
}

TEST_CASE("a job on a terminal is stopped like any other") {
    SteeredJob job{the_engine(), shell("stty -isig -ixon raw; trap '' HUP INT TERM; echo ready; "
                                       "while :; do sleep 60; done")};
    CHECK(job.says("ready"));
    job.stop();
    CHECK(job.result().run->verdict == Verdict::canceled);
}

TEST_CASE("jobs on terminals leave no descriptor behind, and no spoiled runner") {
    const auto serial = local().serial_of_next();
    run(shell("true"));
    const auto before = open_descriptors();
    for (int i = 0; i < 20; ++i) {
        SteeredJob job{the_engine(), shell("stty raw -echo; echo ready; exec cat")};
        CHECK(job.says("ready"));
        job.steering().write("x");
        CHECK(job.says("x"));
        job.steering().signal(SIGKILL);
        job.result();
    }
    CHECK(open_descriptors() == before);
    CHECK(local().serial_of_next() == serial);
}
